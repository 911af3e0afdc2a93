export { createDatabaseCheck } from './check-database.ts';
export { listenEarly } from './early-listener.ts';
export { createHealth, type Health } from './health.ts';
export { addHealthRoutes } from './routes.ts';
