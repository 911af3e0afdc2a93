export type { Connection } from './connection.ts';
export {
  addSocketHints,
  createSocketHub,
  type SocketHub,
  type SocketHubOptions,
  type SocketRequest,
  type SocketSpec,
} from './socket-hub.ts';
