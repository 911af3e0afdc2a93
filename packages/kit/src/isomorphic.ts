// What also runs in a browser: nothing here, and nothing it imports, may import from `node:` or npm.
export * from './back-off.ts';
export * from './clock.ts';
export * from './duration.ts';
export * from './format.ts';
export * from './ids.ts';
export * from './latch.ts';
export * from './random.ts';
