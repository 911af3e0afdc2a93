export { backendAccess, deriveRelayCredentials, type RelayCredentials } from './credentials.ts';
export { openRelay, type Relay } from './relay.ts';
export { createRelayVerbs, type RelayVerbs } from './relay-verbs.ts';
export { createStateForwarder, type StateForwarder } from './state-forwarder.ts';
export { findStateOnDisk } from './state-mark.ts';
export { openStateSpool, type SpooledState, type StateSpool } from './state-spool.ts';
export { type PostOutcome, type StateUpstream, UpstreamRefusal, type UpstreamState } from './upstream.ts';
