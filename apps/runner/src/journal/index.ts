export type { Entry, EntryName } from './entries.ts';
export { FATE_FILE, type Fate, findFate, settleFate } from './fate.ts';
export { addInterrupt, type Interrupt, readInterrupts } from './interrupts.ts';
export { type Journal, openJournal } from './journal.ts';
export { decideTakeover, type FolderEvidence, type Takeover } from './takeover.ts';
