export type { Connection } from './connection.ts';
export { addSocketHints, createSocketHub, type SocketHub } from './socket-hub.ts';
