import type { Clock, Logger } from '@groundcrew/kit';
import { type Configuration, homePaths } from './configuration.ts';
import { getInstallationSecret } from './installation-secret.ts';
import { createBlobStore } from './platform/blobs/index.ts';
import { createBus } from './platform/bus/index.ts';
import { createDatabase, type DatabaseAddress } from './platform/database/index.ts';
import { createSealer, loadMasterKey, verifyMasterKey } from './platform/encryption/index.ts';
import { createClientAddress, createIdempotency, parseTrusted } from './platform/http/index.ts';
import { createLeadership } from './platform/loops/index.ts';
import { createSocketHub } from './platform/sockets/index.ts';

export interface PlatformOptions {
  configuration: Configuration;
  /** A migrated database. */
  address: DatabaseAddress;
  logger: Logger;
  clock: Clock;
  /** Finds mistakes of ours at some cost: statements that escape their transaction. For tests and development. */
  strict: boolean;
}

/** What every module stands on. Errors: the master key is missing or another one. */
export async function buildPlatform({ configuration, address, logger, clock, strict }: PlatformOptions) {
  const db = createDatabase({ address, logger, maxSessions: configuration.database_sessions, strict });
  const masterKey = await loadMasterKey({
    value: configuration.master_key,
    homeFile: homePaths(configuration.home).masterKey,
  });
  await verifyMasterKey(db, masterKey);
  const [jwtKey, hashKey] = await Promise.all([
    getInstallationSecret(db, masterKey, 'agent tokens'),
    getInstallationSecret(db, masterKey, 'idempotency'),
  ]);
  const sealer = createSealer(db, masterKey);
  const bus = createBus({ address, logger });
  const leadership = createLeadership({ address, logger });
  const isTrustedProxy = parseTrusted(configuration.trust_proxy);
  const hub = createSocketHub({
    logger,
    clock,
    clientAddress: createClientAddress(isTrustedProxy),
    publicUrl: configuration.public_url,
  });
  const onTrouble = (error: unknown) => logger.warn({ err: error }, 'the answer to an Idempotency-Key was not kept');

  return {
    configuration,
    logger,
    clock,
    strict,
    db,
    sealer,
    blobs: createBlobStore(sealer),
    bus,
    leadership,
    hub,
    isTrustedProxy,
    jwtKey,
    idempotency: createIdempotency({ db, clock, hashKey, onTrouble }),
    /** Ends every session with the database; to be called last. */
    async close(): Promise<void> {
      await Promise.all([leadership.close(), bus.close()]);
      await db.destroy();
    },
  };
}
export type Platform = Awaited<ReturnType<typeof buildPlatform>>;
