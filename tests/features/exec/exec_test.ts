/** Tests the places of commands in commands; `tests/e2e/tools/exec_test.ts` has the bot. */

import assert from "node:assert/strict";
import type { RunEnd } from "../../../src/core/exec/command.ts";
import type { HostCommands } from "../../../src/exec/host_commands.ts";
import { describe, it } from "node:test";
import { createRunningCommands } from "../../../src/exec/running_commands.ts";
import { type Decision, DENY } from "../../../src/core/people/question.ts";
import type { CallEffect } from "../../../src/core/turn/tool.ts";
import { runExec } from "../../../src/features/exec/exec.ts";
import { userId } from "../../support/discord/builders.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { NO_TOOLS, toolContext } from "../../support/model/tools.ts";

/** How commands end that do not work, by their names. */
const ENDS: Readonly<Record<string, Partial<RunEnd>>> = {
  fails: { code: 153 },
  memory: { code: null, cut: "memory" },
  disk: { code: null, cut: "disk" },
  processes: { code: null, cut: "processes" },
};

const unused = () => assert.fail("not called");

async function setUp(maxWaitMs?: number, mode = "full", discord: object = {}) {
  const { takePlace } = createRunningCommands(maxWaitMs);
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const times: number[] = [];
  const commands: HostCommands = {
    takePlace,
    resolve: ({ argv }) =>
      argv.includes("missing")
        ? Promise.reject(new Error("there is no program"))
        : Promise.resolve({
          ...{ argv, path: "/bin/ls", realPath: "/bin/ls", contentHash: "1", cwd: "/" },
          ...{ filesHash: "2", binding: "3", isInWorkspace: false },
        }),
    async run({ argv }, timeoutMs) {
      begun.push(argv.join(" "));
      times.push(timeoutMs);
      await new Promise<void>((end) => void ends.push(end));
      return { output: "", end: { code: 0, ms: 1, ...ENDS[argv[0] ?? ""] } };
    },
    stop: unused,
  };
  const { account, clock, reload, store } = await testAccount({
    discord,
    beside: { exec: { mode, limits: { memoryMb: 30, diskMb: 40 } } },
    toolServices: { of: () => ({ ...NO_TOOLS.of("main"), commands }) },
  });
  const call = toolContext({ account });
  return {
    ...{ call, begun, times, store },
    pass: (ms: number) => clock.advance(ms),
    /** Ends the oldest command. */
    end: () => ends.shift()?.(),
    close: () => reload({}, { exec: undefined }),
    run: (name: string, timeoutMs = 100_000) => runExec({ argv: [name], cwd: "", timeoutMs }, call),
    settled: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

describe("[SEC-R22] commands", () => {
  it("runs four commands at the same time, and the next ones in their order", async () => {
    const { begun, run, end, settled } = await setUp();
    const runs = ["a", "b", "c", "d", "e", "f"].map((name) => run(name));
    await settled();
    assert.deepEqual(begun, ["a", "b", "c", "d"]);
    end();
    await runs[0];
    await settled();
    assert.deepEqual(begun, ["a", "b", "c", "d", "e"]);
    end();
    await settled();
    assert.deepEqual(begun, ["a", "b", "c", "d", "e", "f"]);
  });

  it("[SEC-R20] decides about a command after its wait", async () => {
    const { begun, run, end, close, settled } = await setUp();
    void ["a", "b", "c", "d"].map((name) => run(name));
    const late = run("e");
    await settled();
    await close();
    end();
    await assert.rejects(late, /`exec` is off/);
    assert.deepEqual(begun, ["a", "b", "c", "d"]);
  });

  it("gives a command the time that its wait leaves, so the call ends with it", async () => {
    const { times, run, end, pass, settled } = await setUp();
    for (const name of ["a", "b", "c", "d"]) void run(name);
    void run("e");
    void run("f", 5_000);
    await settled();
    pass(25_000);
    end();
    end();
    await settled();
    assert.deepEqual(times, [100_000, 100_000, 100_000, 100_000, 85_000, 5_000]);
  });

  for (
    const [name, first, failures] of [
      ["fails", /^\[exit code 153; a file may have at most \d+ MB, 0\.0 s\]/, ["exit code 153"]],
      ["works", /^\[exit code 0, 0\.0 s\]/, []],
      ...([
        ["memory", "it took more than 30 MB of memory"],
        ["disk", "its files passed 40 MB, or the disk is full"],
        ["processes", "it had more than 64 processes"],
      ] as const).map(([cut, why]) =>
        [cut, new RegExp(`^\\[ended, because ${why}, `), [`ended, because ${why}`]] as const
      ),
    ] as const
  ) {
    it(`[R15a] [SEC-R22] says how a command ends: ${name}, and notes a failure for its receipt`, async () => {
      const { call, end, settled } = await setUp();
      const noted: unknown[] = [];
      const noteEffect = ({ failure }: Partial<CallEffect>) => void noted.push(failure);
      const ran = runExec({ argv: [name], cwd: "", timeoutMs: 9 }, { ...call, noteEffect });
      await settled();
      end();
      assert.match(await ran, first);
      assert.deepEqual(noted, failures);
    });
  }

  const ada = { enabled: true, approvers: ["5"] };
  const answered = (choice: string, binding: string, about = "approval") =>
    ({ kind: "answered", answer: { choice }, about, binding, by: userId("5") }) as Decision;
  const APPROVALS: readonly (readonly [asked: object, Decision | undefined, end: RegExp])[] = [
    [{}, undefined, /no one can give it: channels\.discord\.execApprovals\.enabled is false/],
    [{ enabled: true }, undefined, /no one can give it: .*\.approvers is empty/],
    [{ ...ada, agentFilter: ["other"] }, undefined, /agentFilter leaves this agent out/],
    [{ ...ada, sessionFilter: [":dm:"] }, undefined, /sessionFilter leaves this session out/],
    [{ ...ada, agentFilter: ["main"], sessionFilter: ["x", ":"] }, undefined, /was not asked/],
    [ada, { kind: "expired" }, /denied: no approver answered in time/],
    [ada, { kind: "withdrawn" }, /denied: no approver could be reached/],
    [ada, answered("once", "4"), /program or a file of the command has changed since/],
    [ada, answered("once", "3"), /^\[exit code 0, .*; rules: $/s],
    [ada, answered("always", "3"), /^\[exit code 0, .*; rules: \/bin\/ls -s in \/$/s],
  ];
  for (const [execApprovals, decision, expected] of APPROVALS) {
    it(`[A1] [A2] asks and obeys approvers: ${expected}`, async () => {
      const { call, end, settled, store } = await setUp(20, "ask", { execApprovals });
      const argv = ["ls", "-s"];
      const ran = runExec({ argv, cwd: "", timeoutMs: 9 }, { ...call, decision });
      let said = "";
      void ran.catch(String).then((ended) => said = ended);
      for (; said === ""; end()) await settled();
      const rules = await store.questions.execRules("main");
      const kept = rules.map(({ path, args, cwd }) => `${path} ${args} in ${cwd}`);
      assert.match(`${said}; rules: ${kept}`, expected);
    });
  }

  it("[A1] lets no denied command wait", async () => {
    const { begun, run, call: by } = await setUp();
    for (const name of ["a", "b", "c", "d"]) void run(name);
    const call = { argv: ["e"], cwd: "", timeoutMs: 1_000 };
    const about = { about: "approval", by: by.message.sender.id } as const;
    const denied = { kind: "answered", answer: { choice: DENY }, ...about } as const;
    await assert.rejects(runExec(call, { ...by, decision: denied }), /denied by an approver/);
    assert.ok(!begun.includes("e"));
  });

  it("refuses a command that has waited too long", async () => {
    const { begun, run, end, settled } = await setUp(20);
    void ["a", "b", "c", "d"].map((name) => run(name));
    await assert.rejects(run("e"), /^Error: nothing ran: .* within 0\.02 s;/);
    end();
    await settled();
    void run("f");
    await settled();
    assert.deepEqual(begun, ["a", "b", "c", "d", "f"]);
  });

  it("gives back the place of a command that could not begin", async () => {
    const { run } = await setUp();
    for (let call = 0; call < 8; call++) {
      await assert.rejects(run("missing"), /there is no program/);
    }
  });
});
