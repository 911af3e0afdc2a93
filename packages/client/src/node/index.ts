export { createHttpTransport, type HttpTransportOptions } from './http-transport.ts';
export { createNodeClient, type NodeClientOptions } from './node-client.ts';
export { createWsSocketFactory, type WsSocketOptions } from './ws-socket.ts';
