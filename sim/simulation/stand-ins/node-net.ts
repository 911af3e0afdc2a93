// Stands in for `node:net`.
export { createConnection, createConnection as connect, createServer, Socket } from '../host/net.ts';
