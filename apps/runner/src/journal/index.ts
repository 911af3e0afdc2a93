export type { Entry } from './entries.ts';
export { FATE_FILE, findFate, settleFate } from './fate.ts';
export { addInterrupt, type Interrupt, readInterrupts } from './interrupts.ts';
export { type Journal, openJournal } from './journal.ts';
export { decideTakeover, type Takeover } from './takeover.ts';
