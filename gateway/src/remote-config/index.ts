export type { ConfigurationProblem } from "./judge.ts";
export { type Choice, RemoteConfiguration } from "./remote-configuration.ts";
export { Trial } from "./trial.ts";
