/** Exports what other extras use of this one. */

export { decideQuestion, decidersText, type OperatorChoice } from "./approvals.ts";
export { unknownNote } from "./memory.ts";
export {
  changeOne,
  DONE,
  type ListedSchedule,
  type ScheduleChange,
  schedulesOf,
  stateOf,
  unknownSchedule,
} from "./schedules.ts";
