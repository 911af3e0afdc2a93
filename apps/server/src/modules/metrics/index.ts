export { countChanges } from './change-metrics.ts';
export { createMetricsModule } from './module.ts';
export { renderReference } from './reference.ts';
