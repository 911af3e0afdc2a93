import { join } from 'node:path';
import { isUpToDate } from './build/stamp.ts';
import { ROOT } from './workspaces.ts';

/** The programs that are bundled into `dist/<app>/main.mjs`. */
const APPS = ['server', 'agent', 'runner', 'cli'] as const;

/** Makes every bundle whose sources changed since it was made; nothing to do takes a few milliseconds. */
export async function buildAll(): Promise<void> {
  const outdated = APPS.filter((app) => !isUpToDate(join(ROOT, 'dist', app)));
  if (outdated.length === 0) return;
  const { bundleApp } = await import('./build/bundle-app.ts');
  const { stop } = await import('esbuild');
  try {
    await Promise.all(outdated.map(bundleApp));
  } finally {
    await stop();
  }
}

if (import.meta.main) await buildAll();
