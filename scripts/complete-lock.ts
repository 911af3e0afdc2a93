import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findMissingEntries, type LockFile } from './lock/index.ts';
import { ROOT } from './workspaces.ts';

const path = join(ROOT, 'package-lock.json');
const lock: LockFile = JSON.parse(readFileSync(path, 'utf8'));
const missing = findMissingEntries(lock);
const { '': root, ...others } = { ...lock.packages, ...missing };
const sorted = Object.entries(others).sort(([a], [b]) => a.localeCompare(b, 'en'));
const packages = { ...(root === undefined ? {} : { '': root }), ...Object.fromEntries(sorted) };
writeFileSync(path, `${JSON.stringify({ ...lock, packages }, null, 2)}\n`);
console.log(`${Object.keys(missing).length} entries added`);
