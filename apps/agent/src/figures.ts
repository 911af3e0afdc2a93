import { readFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';

/** How busy the host is, each from 0 to 1. */
export interface HostLoad {
  cpu: number;
  memory: number;
}

/** The load average of the last minute per processor, and what memory is not available. */
export async function readHostLoad(): Promise<HostLoad> {
  return { cpu: clamp((loadavg()[0] ?? 0) / cpus().length), memory: await readMemory() };
}

/** `MemAvailable` counts caches as free, which Node's own figure does not. */
async function readMemory(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  const total = kilobytes('MemTotal');
  return total === 0 ? 0 : clamp(1 - kilobytes('MemAvailable') / total);
}

const clamp = (value: number): number => Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000;
