import { Counter, type Registry } from 'prom-client';
import { afterCommit } from '../../platform/database/index.ts';
import { AppError } from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';

/** The same recorder; what it records is counted once it is committed, and what it cannot record at once. */
export function countChanges(registry: Registry, record: RecordChange): RecordChange {
  const registers = [registry];
  const changes = new Counter({
    name: 'iac_changes_total',
    help: 'Changes that the audit log holds, by what was changed and how.',
    labelNames: ['noun', 'action'],
    registers,
  });
  const failures = new Counter({
    name: 'iac_audit_failures_total',
    help: 'Changes that the audit log could not take; each was undone with its transaction.',
    registers,
  });
  return async (tx, change) => {
    try {
      await record(tx, change);
    } catch (error) {
      if (!(error instanceof AppError)) failures.inc();
      throw error;
    }
    afterCommit(tx, () => changes.inc({ noun: change.noun, action: change.action }));
  };
}
