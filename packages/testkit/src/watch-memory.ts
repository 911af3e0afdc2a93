const EVERY_MS = 5;

/**
 * Watches how many bytes this process holds in buffers, and gives a function that ends it and says how many more than at the start
 * there were at the worst moment. Buffers are what streamed bytes are in; the rest of the process's memory is other tests' as well.
 */
export function watchMemory(): () => number {
  const held = () => process.memoryUsage().arrayBuffers;
  const start = held();
  let worst = start;
  const look = () => {
    worst = Math.max(worst, held());
  };
  const timer = setInterval(look, EVERY_MS);
  return () => {
    clearInterval(timer);
    look();
    return worst - start;
  };
}
