import { createHash } from 'node:crypto';
import { appendFile, open, readFile, stat } from 'node:fs/promises';
import type { Client } from '@groundcrew/client';
import type { Clock, Logger } from '@groundcrew/kit';
import type { Phase, RunnerTask, TaskData } from '@groundcrew/protocol';
import { collectStateSecrets, createOutputReader, type SensitiveValue } from '@groundcrew/terraform';
import type { AttemptFolder } from '../folder/index.ts';
import { compilePatterns, createMasker, type SecretSet } from '../mask/index.ts';
import type { AttemptLog, PhaseLog } from './phase-log.ts';
import { secretsOf } from './secrets-of.ts';

// PROVISIONAL: replaced by the spool.
interface Deps {
  folder: AttemptFolder;
  task: RunnerTask;
  client: Client;
  clock: Clock;
  logger: Logger;
  secrets: TaskData;
  secret: string;
}

export async function openLog({ folder, task, client, clock, logger, secrets, secret }: Deps): Promise<AttemptLog> {
  const sets: SecretSet[] = [
    {
      fromOffset: 0,
      secrets: [
        ...secretsOf(secrets).map(({ value, origin }) => ({ name: origin, value })),
        { name: 'secret', value: secret },
      ],
    },
  ];
  const phases = new Map<Phase, Promise<PhaseLog & { close(): void }>>();
  const patterns = () => compilePatterns(sets);

  async function openPhase(phase: Phase, total = 0): Promise<PhaseLog & { close(): void }> {
    const path = folder.raw[phase];
    const file = await open(path, 'a+', 0o600);
    const reader = createOutputReader({ total });
    const masker = createMasker({ patterns: patterns() });
    const hash = createHash('sha256');
    let rawOffset = 0;
    let masked = Buffer.alloc(0);
    let sent = 0;
    let ended = false;
    let closed = false;
    const take = (bytes: Buffer) => {
      hash.update(bytes);
      masked = Buffer.concat([masked, bytes]);
    };
    async function read(): Promise<void> {
      const size = (await stat(path)).size;
      while (rawOffset < size) {
        const { buffer, bytesRead } = await file.read(
          Buffer.alloc(Math.min(1 << 20, size - rawOffset)),
          0,
          undefined,
          rawOffset,
        );
        const chunk = buffer.subarray(0, bytesRead);
        rawOffset += bytesRead;
        reader.push(chunk);
        take(masker.push(chunk));
      }
    }
    async function send(): Promise<void> {
      while (sent < masked.length && !closed) {
        const chunk = masked.subarray(sent, sent + (1 << 20));
        try {
          const headers = {
            'x-log-phase': phase,
            'x-log-offset': sent,
            'x-content-sha256': createHash('sha256').update(chunk).digest('hex'),
          };
          const answer = await client.call(
            'appendLog',
            { params: { task_id: task.task_id }, raw: chunk },
            { headers, retry: 'never' },
          );
          sent = answer.next_offset;
        } catch (error) {
          const details = (error as { details?: { next_offset?: number } }).details;
          if (typeof details?.next_offset === 'number') sent = details.next_offset;
          else {
            logger.warn({ err: error }, 'log not sent');
            await clock.sleep(200);
          }
        }
      }
    }
    async function loop(): Promise<void> {
      while (!closed && !(ended && sent >= masked.length)) {
        if (!ended) await read();
        await send();
        if (!ended) await clock.sleep(50);
      }
    }
    const running = loop();
    return {
      path,
      output: reader,
      note: (sentence) => appendFile(path, `Groundcrew: ${sentence}\n`),
      async end() {
        await read();
        if (!ended) take(masker.end());
        ended = true;
        return { phase, length: masked.length, checksum: hash.copy().digest('hex') };
      },
      delivered: () => running,
      close() {
        closed = true;
        void file.close();
      },
    };
  }

  const learn = async (more: readonly SensitiveValue[]) =>
    void sets.push({ fromOffset: 0, secrets: more.map(({ value, origin }) => ({ name: origin, value })) });
  return {
    open(phase, total) {
      const known = phases.get(phase) ?? openPhase(phase, total);
      phases.set(phase, known);
      return known;
    },
    opened: () => Promise.all(phases.values()),
    learn,
    learnState: async (path) => learn(collectStateSecrets(await readFile(path))),
    mask(text) {
      const masker = createMasker({ patterns: patterns() });
      return Buffer.concat([masker.push(Buffer.from(text)), masker.end()]).toString('utf8');
    },
    nudge() {},
    async close() {
      for (const phase of await Promise.all(phases.values())) phase.close();
    },
  };
}
