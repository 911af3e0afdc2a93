export { type Materialised, materialise } from './materialise.ts';
