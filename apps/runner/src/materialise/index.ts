export { materialise } from './materialise.ts';
