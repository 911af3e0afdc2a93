import type { SocketFactory } from './socket/raw-socket.ts';

/** WebSockets of a browser, which sends its session cookie itself and no header of ours. */
export const createBrowserSocketFactory = (): SocketFactory => (url, _token, events) => {
  const socket = new WebSocket(url);
  socket.onopen = () => events.onOpen();
  socket.onmessage = ({ data }) => events.onMessage(String(data));
  socket.onclose = ({ code, reason }) => events.onEnd({ reason: reason || `closed with code ${code}` });
  return {
    send(text, done) {
      socket.send(text);
      done();
    },
    close: () => socket.close(1000),
    terminate: () => socket.close(),
  };
};
