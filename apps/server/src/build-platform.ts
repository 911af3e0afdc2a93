import type { Clock, Logger } from '@groundcrew/kit';
import { type Configuration, homePaths } from './configuration.ts';
import { getInstallationSecret } from './installation-secret.ts';
import { createBlobStore } from './platform/blobs/index.ts';
import { createBus } from './platform/bus/index.ts';
import { createDatabase, type DatabaseAddress } from './platform/database/index.ts';
import { createKeyKeeper, createSealer, loadMasterKeys, verifyMasterKeys } from './platform/encryption/index.ts';
import { createClientAddress, createIdempotency, parseTrusted } from './platform/http/index.ts';
import { createLeadership } from './platform/loops/index.ts';
import { type PlatformMetrics, watchPlatform } from './platform/metrics/index.ts';
import { createSocketHub } from './platform/sockets/index.ts';
import { SEALED_COLUMNS } from './sealed-columns.ts';

export interface PlatformOptions {
  configuration: Configuration;
  /** A migrated database. */
  address: DatabaseAddress;
  logger: Logger;
  clock: Clock;
  metrics: PlatformMetrics;
  /** Finds mistakes of ours at some cost: statements that escape their transaction. For tests and development. */
  strict: boolean;
  /** Reads `master_key` again, whose file may have got a new one; as the configuration has it when not given. */
  readMasterKey?: (() => string | undefined) | undefined;
}

/** What every module stands on. Errors: the master key is missing or another one. */
export async function buildPlatform({
  configuration,
  address,
  logger,
  clock,
  metrics,
  strict,
  readMasterKey,
}: PlatformOptions) {
  const db = createDatabase({ address, logger, maxSessions: configuration.database_sessions, strict });
  const masterKeys = await loadMasterKeys({
    readValue: () => readMasterKey?.() ?? configuration.master_key,
    homeFile: homePaths(configuration.home).masterKey,
  });
  await verifyMasterKeys(db, masterKeys);
  const [jwtKey, hashKey, auditSecret] = await Promise.all([
    getInstallationSecret(db, masterKeys, 'agent tokens'),
    getInstallationSecret(db, masterKeys, 'idempotency'),
    getInstallationSecret(db, masterKeys, 'audit'),
  ]);
  const sealer = metrics.watchSealer(createSealer(db, masterKeys, clock.now));
  const bus = createBus({ address, logger });
  const leadership = createLeadership({ address, logger });
  const isTrustedProxy = parseTrusted(configuration.trust_proxy);
  const hub = createSocketHub({
    logger,
    clock,
    clientAddress: createClientAddress(isTrustedProxy),
    publicUrl: configuration.public_url,
  });
  watchPlatform(metrics.registry, { db, hub });
  const onTrouble = (error: unknown) => logger.warn({ err: error }, 'the answer to an Idempotency-Key was not kept');

  return {
    configuration,
    logger,
    clock,
    metrics,
    strict,
    db,
    sealer,
    blobs: createBlobStore(sealer),
    keys: createKeyKeeper({ db, masterKeys, sealer, columns: SEALED_COLUMNS }),
    bus,
    leadership,
    hub,
    isTrustedProxy,
    jwtKey,
    auditSecret,
    idempotency: createIdempotency({ db, clock, hashKey, onTrouble }),
    /** Ends every session with the database; to be called last. */
    async close(): Promise<void> {
      await Promise.all([leadership.close(), bus.close()]);
      await db.destroy();
    },
  };
}
export type Platform = Awaited<ReturnType<typeof buildPlatform>>;
