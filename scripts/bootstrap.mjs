// Runs scripts/<name>.ts on the pinned Node, after installing what is missing. Plain JavaScript on purpose: this is the one file
// that runs on whatever Node (20 or newer) the machine has.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = 20;
const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'darwin-x64'];
const root = fileURLToPath(new URL('..', import.meta.url));
const binaries = join(root, 'node_modules', '.bin');
const pinnedNode = join(binaries, 'node');

const [name, ...args] = process.argv.slice(2);
checkMachine();
if (!isInstalled()) install();
runScript(join(root, 'scripts', `${name}.ts`));

function checkMachine() {
  const platform = `${process.platform}-${process.arch}`;
  const node = Number(process.versions.node.split('.')[0]);
  if (!PLATFORMS.includes(platform)) stop(`Groundcrew runs on ${PLATFORMS.join(', ')}; this is ${platform}.`);
  if (node < OLDEST_NODE)
    stop(`Node ${OLDEST_NODE} or newer is needed; this is ${process.version} (${process.execPath}).`);
  if (isMusl()) stop('Groundcrew needs glibc (Debian, Ubuntu, Fedora, …); this system has musl (Alpine).');
}

function isMusl() {
  if (process.platform !== 'linux') return false;
  const { header } = process.report.getReport();
  return header.glibcVersionRuntime === undefined;
}

/** Whether node_modules is what the lock file says. npm writes its own record there last, so that a broken-off install has none. */
function isInstalled() {
  const record = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record) || !existsSync(pinnedNode)) return false;
  const installed = readPackages(record);
  return Object.entries(readPackages(join(root, 'package-lock.json'))).every(([path, wanted]) => {
    const found = installed[path];
    if (path === '' || (found === undefined && wanted.optional)) return true;
    return found !== undefined && found.version === wanted.version && found.integrity === wanted.integrity;
  });
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? {};
  } catch (error) {
    return stop(`Cannot read ${path}: ${error.message}`);
  }
}

function install() {
  process.stderr.write('Installing dependencies (once, 10 to 60 seconds) …\n');
  const [program, first] = findNpm();
  const flags = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, error, stdout, stderr } = spawnSync(program, [...first, ...flags], { cwd: root, encoding: 'utf8' });
  if (error) stop(`Cannot start npm: ${error.message}. Install npm 9 or newer, or put it on PATH.`);
  if (status !== 0) stop(`"npm ci" failed (exit code ${status}):\n${withoutUsage(`${stdout}${stderr}`)}`);
  if (isInstalled()) return;
  stop(
    `"npm ci" ended well, but node_modules still differs from package-lock.json or lacks ${pinnedNode}. ` +
      'Check that npm may reach its registry and does not omit optional dependencies, remove node_modules and try again.',
  );
}

/** npm ends many an error with all its options. */
const withoutUsage = (said) => said.split('npm error Clean install a project')[0].trim();

/** The npm that started us, else the one on PATH. */
function findNpm() {
  const own = process.env.npm_execpath;
  return own && basename(own) === 'npm-cli.js' ? [process.execPath, [own]] : ['npm', []];
}

function runScript(path) {
  if (!name || !existsSync(path)) stop(`There is no script "${name}"; package.json lists those there are.`);
  const env = { ...process.env, PATH: `${binaries}${delimiter}${process.env.PATH ?? ''}` };
  const child = spawn(pinnedNode, [path, ...args], { cwd: root, stdio: 'inherit', env });
  // A terminal sends Ctrl-C to the child as well, and npm sends it to us once more: receivers take signals in quick succession
  // as one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => stop(`Cannot start ${pinnedNode}: ${error.message}`));
  child.once('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

function stop(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
