export { createLiveConfiguration, type LiveConfiguration, type Reloaded, sentenceOf } from './live-configuration.ts';
export { describeAgentConfiguration, readAgentConfiguration } from './read.ts';
export { type AgentConfiguration, DEFAULT_LISTEN, HOT_KEYS, TOLD_KEYS } from './spec.ts';
export { fingerprint, type WatchFileOptions, watchFile } from './watch-file.ts';
