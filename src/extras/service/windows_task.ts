/**
 * Writes and reads Barnacle's task of the scheduler of Windows, which starts the bot when its user logs on.
 *
 * A service of Windows needs a program that speaks with the service manager, and an administrator. A task
 * at log-on needs neither. The scheduler starts it again each minute unless it runs, because it knows no
 * restart after an exit code. `conhost --headless` keeps the bot from opening a window.
 */

import { WINDOWS_TASK } from "./target.ts";

/** The line by which Barnacle knows its own tasks, of any version. */
const MARK = "Barnacle - Discord AI agent";

/** Makes the definition of a task, in ASCII: `schtasks` reads no other encoding without a mark. */
export function taskXml({ program, args, user }: {
  readonly program: string;
  readonly args: readonly string[];
  /** The user as Windows names it: `"PC\\ada"`. */
  readonly user: string;
}): string {
  const words = ["--headless", program, ...args].map(windowsWord).join(" ");
  return `<?xml version="1.0"?>
<Task version="1.3" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>${MARK}</Description>
    <URI>\\${WINDOWS_TASK}</URI>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Repetition>
        <Interval>PT1M</Interval>
      </Repetition>
      <UserId>${xmlText(user)}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>${xmlText(user)}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>6</Priority>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>%SystemRoot%\\System32\\conhost.exe</Command>
      <Arguments>${xmlText(words)}</Arguments>
    </Exec>
  </Actions>
</Task>
`;
}

/** Escapes a text, and writes characters beyond ASCII by their numbers. */
function xmlText(text: string): string {
  return text.replace(
    /[&<>"]|[^\x20-\x7e]/gu,
    (char) => `&#x${char.codePointAt(0)?.toString(16)};`,
  );
}

/**
 * Writes a word of a command line so that programs of Windows read it as one argument: backslashes count
 * only before a quotation mark.
 *
 * @see {@link https://learn.microsoft.com/en-us/cpp/c-language/parsing-c-command-line-arguments}
 */
export function windowsWord(text: string): string {
  if (/^[^\s"]+$/.test(text)) return text;
  return `"${text.replace(/(\\*)"/g, '$1$1\\"').replace(/\\+$/, "$&$&")}"`;
}

/** A task, as `schtasks /Query /FO CSV /V /NH` tells it. */
export interface TaskState {
  readonly isRunning: boolean;
  /** Exit code of the last run; absent if it runs, or has not run yet. */
  readonly lastCode?: number;
}

/** The scheduler's own results: the task runs, and has not run yet. */
const RUNS = 0x41301;
const HAS_NOT_RUN = 0x41303;
/** Column with the last result. All words of the output are in the language of the system. */
const RESULT_COLUMN = 6;

/** Reads the state; `undefined` if the output has no such task. */
export function taskState(csv: string): TaskState | undefined {
  const cells = [...(csv.split(/\r?\n/)[0] ?? "").matchAll(/"((?:[^"]|"")*)"(?:,|$)/g)];
  const text = cells[RESULT_COLUMN]?.[1] ?? "";
  if (!/^-?\d+$/.test(text)) return undefined;
  const code = Number(text) >>> 0; // some versions print it with a sign
  return code === RUNS
    ? { isRunning: true }
    : { isRunning: false, lastCode: code === HAS_NOT_RUN ? undefined : code };
}
