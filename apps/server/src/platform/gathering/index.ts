export { createGathering } from './gathering.ts';
