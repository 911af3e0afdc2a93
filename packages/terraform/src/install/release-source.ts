import type { Tool } from '../tool.ts';
import { InstallError } from './install-error.ts';

/** What is needed of one release, as the publisher lays it out. */
export interface ReleaseUrls {
  /** Name of the archive as it stands in the list of checksums. */
  archive: string;
  archiveUrl: string;
  checksumsUrl: string;
  signatureUrl: string;
}

export interface Platform {
  os: string;
  arch: string;
}

/** Where releases come from unless a mirror with the same paths is set. */
export const PUBLISHERS: Readonly<Record<Tool, string>> = {
  terraform: 'https://releases.hashicorp.com',
  tofu: 'https://github.com/opentofu/opentofu/releases/download',
};

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'arm', ia32: '386' };

/** This machine in the publishers' words. */
export const currentPlatform = (): Platform => ({
  os: process.platform,
  arch: ARCHITECTURES[process.arch] ?? process.arch,
});

/**
 * The files of one release below `baseUrl`: `<base>/terraform/<v>/…` and `<base>/v<v>/…` for OpenTofu.
 * @throws InstallError when the base is no URL that may be used.
 */
export function releaseUrls(tool: Tool, version: string, { os, arch }: Platform, baseUrl: string): ReleaseUrls {
  const folder = `${checkBaseUrl(baseUrl)}/${tool === 'tofu' ? `v${version}` : `terraform/${version}`}`;
  const archive = `${tool}_${version}_${os}_${arch}.zip`;
  const checksumsUrl = `${folder}/${tool}_${version}_SHA256SUMS`;
  return {
    archive,
    archiveUrl: `${folder}/${archive}`,
    checksumsUrl,
    signatureUrl: `${checksumsUrl}${tool === 'tofu' ? '.gpgsig' : '.sig'}`,
  };
}

function checkBaseUrl(baseUrl: string): string {
  const url = URL.parse(baseUrl);
  if (!url) throw misconfigured(`"${baseUrl}" is no URL`);
  if (url.username !== '' || url.password !== '') throw misconfigured('a mirror’s URL must not hold credentials');
  if (url.search !== '' || url.hash !== '') throw misconfigured(`${baseUrl} must end with a path`);
  assertSafeUrl(url);
  return url.href.replace(/\/+$/, '');
}

/** @throws InstallError for anything but https, and http to this machine. */
export function assertSafeUrl(url: URL): void {
  if (url.protocol === 'https:') return;
  if (url.protocol === 'http:' && isLoopback(url.hostname)) return;
  throw misconfigured(`${url.origin} is not https; plain http is for mirrors on the same machine only`);
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);

const misconfigured = (why: string): InstallError =>
  new InstallError(
    'misconfigured',
    `Versions cannot be downloaded: ${why}. Correct the mirror's URL in the agent's settings.`,
  );
