/** What the agent's own process takes. */
export interface OwnUsage {
  /** Percent of one processor since the last look; may exceed 100. */
  cpuPercent: number;
  /** Processor time since the process started. */
  cpuSeconds: number;
  /** Resident. */
  memoryBytes: number;
}

/** A look at this very process. Looks in quick succession share one figure, since a moment alone says nothing. */
export function createOwnUsage(now: () => number = () => performance.now()) {
  let last = { at: now(), micros: microsUsed() };
  let cpuPercent = 0;
  let memoryBytes = 0;
  return function look(): OwnUsage {
    const [at, micros] = [now(), microsUsed()];
    if (at - last.at >= SHORTEST_MS) {
      cpuPercent = Math.round(((micros - last.micros) / (at - last.at) / 10) * 10) / 10;
      last = { at, micros };
    }
    memoryBytes = findMemory() ?? memoryBytes;
    return { cpuPercent, cpuSeconds: micros / 1e6, memoryBytes };
  };
}

const SHORTEST_MS = 500;

function microsUsed(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Undefined when the process may open no further file just now: Node reads it from one. */
function findMemory(): number | undefined {
  try {
    return process.memoryUsage.rss();
  } catch {
    return undefined;
  }
}
