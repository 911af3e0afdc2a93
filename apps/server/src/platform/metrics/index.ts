export { addHttpMetrics } from './http-metrics.ts';
export { createPlatformMetrics, type PlatformMetrics, watchPlatform } from './platform-metrics.ts';
export { startAtZero } from './start-at-zero.ts';
