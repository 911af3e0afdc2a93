import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createGroup } from '../../command.ts';
import { auditExport } from './export.ts';
import { auditHead } from './head.ts';
import { auditList } from './list.ts';
import { auditVerify } from './verify.ts';

export const audit = (cli: Cli): Command =>
  createGroup('audit', 'Who did what, and the proof of it: list, export, verify, head', cli, [
    auditList,
    auditExport,
    auditVerify,
    auditHead,
  ]);
