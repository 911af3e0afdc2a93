// Stands in for `node:http` where the product listens; it calls through the client's transport.
export { createServer } from '../host/http.ts';
