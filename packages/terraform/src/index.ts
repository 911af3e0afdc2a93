// The command line of Terraform and OpenTofu as a library: finding and installing versions, preparing a folder, arguments and
// environment, reading what comes out, and judging the end.
export { applyArgs, initArgs, type PlanArguments, planArgs, providersArgs, showPlanArgs } from './argv.ts';
export { type CliConfigOptions, renderCliConfig } from './cli-config.ts';
export {
  assertHttpBackend,
  describeReplacedBackend,
  type WrittenOverride,
  writeBackendOverride,
} from './configuration/backend-override.ts';
export { ConfigurationMistake } from './configuration/configuration-mistake.ts';
export { findOwnBackend, type OwnBackend } from './configuration/own-backend.ts';
export { findUndeclaredVariables } from './configuration/undeclared-variables.ts';
export {
  type BackendAccess,
  buildEnv,
  type EnvironmentOptions,
  type RefusedVariable,
} from './environment/build-env.ts';
export { findReservation } from './environment/reserved-names.ts';
export { type Exit, readExit } from './exit.ts';
export { type FindOptions, type FoundTools, findInstalled, findOnPath, installedPath } from './find/find-tools.ts';
export { probeVersion } from './find/probe-version.ts';
export { InstallError, type InstallFailure } from './install/install-error.ts';
export { type InstallOptions, installTool } from './install/install-tool.ts';
export { type Platform, PUBLISHERS } from './install/release-source.ts';
export { stripColours } from './output/ansi.ts';
export {
  type CutterPosition,
  createDumpCutter,
  type DumpCutter,
  type OutputSegment,
} from './output/dump-cutter.ts';
export {
  createOutputReader,
  type OutputReader,
  type OutputReaderOptions,
  type ReaderSnapshot,
} from './output/output-reader.ts';
export type { CompletedOperation, Operation, Progress } from './output/progress.ts';
export {
  type DetailLimits,
  describePlan,
  type OutputChange,
  type PlanDetails,
  type ResourceChange,
} from './plan/plan-details.ts';
export { type PlanJson, parsePlan } from './plan/plan-json.ts';
export { collectPlanSecrets } from './plan/plan-secrets.ts';
export { type PlanSummary, summarisePlan } from './plan/plan-summary.ts';
export { findForbiddenProviders, isBuiltIn, providerName } from './providers/provider-name.ts';
export { readProviders } from './providers/read-providers.ts';
export type { SensitiveValue } from './sensitive-values.ts';
export { type ComparedResource, compareStates, type StateDifference } from './state/compare-states.ts';
export { parseStateHeader, type StateHeader, type StateOutput } from './state/state-header.ts';
export { listStateResources, type StateResource } from './state/state-resources.ts';
export { collectStateSecrets } from './state/state-secrets.ts';
export { type InstalledTool, isVersion, TOOLS, type Tool, toolTitle } from './tool.ts';
export {
  findVariableMistakes,
  type RenderedVariables,
  renderVariables,
  type VariableValue,
} from './variables/render-variables.ts';
export { writeVariables } from './variables/write-variables.ts';
export {
  type ApplyEvidence,
  type ApplyVerdict,
  judgeApply,
  judgePlan,
  type PlanEvidence,
  type PlanVerdict,
} from './verdict.ts';
