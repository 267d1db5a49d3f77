/** Exports what other extras use of this one. */

export { forgetPerson, forgottenText } from "./forget.ts";
export {
  callsOf,
  exportLines,
  findSession,
  handleOf,
  namedSessions,
  saidBy,
  titleOf,
  transcriptOf,
} from "./sessions.ts";
