import { createHash, createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto';
import { currentProcess } from '../host/process.ts';

// Stands in for `node:crypto`: hashes are what they are, secrets come from the seed.

export { createHash, createHmac, createPublicKey, timingSafeEqual, verify };

export const randomBytes = (count: number): Buffer => Buffer.from(currentProcess().host.world.dice.bytes(count));
export const randomUUID = (): string => randomBytes(16).toString('hex');
