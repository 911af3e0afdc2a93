export { countChanges } from './change-metrics.ts';
export { createMetricsModule } from './module.ts';
