import { type Logger, systemClock } from '@groundcrew/kit';
import { type Configuration, homePaths } from '../configuration.ts';
import { createDatabase, type Database, migrate } from '../platform/database/index.ts';
import {
  createKeyKeeper,
  createSealer,
  type KeyKeeper,
  loadMasterKeys,
  type MasterKeys,
  verifyMasterKeys,
} from '../platform/encryption/index.ts';
import { createLeadership } from '../platform/loops/index.ts';
import { reachDatabase } from '../reach-database.ts';
import { SEALED_COLUMNS } from '../sealed-columns.ts';

/** What the key commands work with, beside a server that runs or without one. */
export interface OpenKeys {
  db: Database;
  masterKeys: MasterKeys;
  keeper: KeyKeeper;
  close(): Promise<void>;
}

interface OpenOptions {
  configuration: Configuration;
  readMasterKey: () => string | undefined;
  logger: Logger;
  /** Whether keys will be changed, which one command at a time may do. */
  exclusive: boolean;
}

/** A few: the servers need theirs. */
const MAX_SESSIONS = 4;
/** Counting what is sealed reads the head of every sealed value. */
const STATEMENT_TIMEOUT_MS = 600_000;

/** Errors: sentences for people, when there is no database, another command is at work, or a master key is missing. */
export async function openKeys({ configuration, readMasterKey, logger, exclusive }: OpenOptions): Promise<OpenKeys> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const each of closers.splice(0).toReversed()) await each();
  };
  try {
    const postgres = await reachDatabase(configuration, logger);
    closers.push(postgres.close);
    await migrate(postgres.address);
    const leadership = createLeadership({ address: postgres.address, logger });
    closers.push(() => leadership.close());
    if (exclusive && (await leadership.tryLead('keys')) === undefined)
      throw new Error('Another command changes the keys of this database at the moment; let it end first.');
    const db = createDatabase({
      address: postgres.address,
      logger,
      maxSessions: MAX_SESSIONS,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    });
    closers.push(() => db.destroy());
    const masterKeys = await loadMasterKeys({
      readValue: readMasterKey,
      homeFile: homePaths(configuration.home).masterKey,
    });
    await verifyMasterKeys(db, masterKeys);
    const sealer = createSealer(db, masterKeys, systemClock.now);
    return { db, masterKeys, keeper: createKeyKeeper({ db, masterKeys, sealer, columns: SEALED_COLUMNS }), close };
  } catch (error) {
    await close();
    throw error;
  }
}
