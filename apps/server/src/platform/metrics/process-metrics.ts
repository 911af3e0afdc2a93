import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** How often the event loop is asked how late it is. */
const LAG_EVERY_MS = 100;

/** What any process tells of itself. Gives what stops measuring. */
export function addProcessMetrics(registry: Registry, version: string): () => void {
  const registers = [registry];
  new Gauge({
    name: 'iac_build_info',
    help: 'Always 1; the labels say which version runs on which Node.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version, node: process.versions.node }, 1);
  new Gauge({
    name: 'iac_process_start_time_seconds',
    help: 'When the process started, in seconds since 1970.',
    registers,
  }).set(Math.round(performance.timeOrigin) / 1000);
  new Gauge({
    name: 'iac_process_resident_memory_bytes',
    help: 'Memory of the process, as the system counts it.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'iac_process_heap_bytes',
    help: "Memory that the process's JavaScript objects use.",
    registers,
    collect() {
      this.set(process.memoryUsage().heapUsed);
    },
  });
  addCpuSeconds(registry);
  return addEventLoopLag(registry);
}

function addCpuSeconds(registry: Registry): void {
  let told = 0;
  new Counter({
    name: 'iac_process_cpu_seconds_total',
    help: 'Processor time that the process has used.',
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      const seconds = (user + system) / 1e6;
      this.inc(Math.max(0, seconds - told));
      told = seconds;
    },
  });
}

/** A histogram that only ever grows, so that any number of readers see the same: nothing is reset when it is read. */
function addEventLoopLag(registry: Registry): () => void {
  const lag = new Histogram({
    name: 'iac_event_loop_lag_seconds',
    help: 'How late the event loop came to a timer: while it is late, nothing is answered.',
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  });
  let dueAt = performance.now() + LAG_EVERY_MS;
  const timer = setInterval(() => {
    const now = performance.now();
    lag.observe(Math.max(0, now - dueAt) / 1000);
    dueAt = now + LAG_EVERY_MS;
  }, LAG_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
