export { createGathering, type Gathering } from './gathering.ts';
