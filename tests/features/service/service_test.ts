/** Tests `barnacle service` on a machine with systemd. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import {
  installService,
  serviceOffer,
  uninstallService,
} from "../../../src/features/service/install.ts";
import { openMachine } from "../../../src/features/service/machine.ts";
import { readStatus, showService, statusLines } from "../../../src/features/service/status.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { CONFIG, onStage, OUR_UNIT, OWN_CONFIG, type Stage, TIMES, TOKEN, UNIT } from "./stage.ts";

const STARTED = [
  "systemctl daemon-reload",
  "systemctl enable barnacle.service",
  "systemctl restart --no-block barnacle.service",
];

/** Configs that root does not take from other users. Only root can make them. */
const FOREIGN_CONFIGS: readonly (readonly [string, uid: number, mode: number, words: RegExp])[] =
  process.getuid?.() !== 0 ? [] : [
    [
      "a config of another user",
      1234,
      0o600,
      /does not take .*home\.jsonc: another user \(uid 1234\) owns it\. Read it, and then `chown root/,
    ],
    ["a config that every user may write", 0, 0o666, /every user may write it/],
  ];

describe("[O4] barnacle service install", () => {
  it("installs, starts and waits; a second time, nothing is left to do", () =>
    onStage(async ({ io, calls, text, mode, own, install }) => {
      assert.equal(await install(), 0);
      assert.match(text(UNIT), /^ExecStart=\/usr\/local/m);
      assert.equal(text("usr/local/bin/barnacle"), "program");
      assert.equal(mode("usr/local/bin/barnacle"), 0o755);
      assert.equal(mode("etc/barnacle/credentials"), 0o750);
      assert.equal(mode("etc/barnacle"), 0o750);
      assert.deepEqual(calls(), [
        "systemd-sysusers /etc/sysusers.d/barnacle.conf",
        "chgrp barnacle /etc/barnacle",
        "chgrp barnacle /etc/barnacle/credentials",
        "chgrp barnacle /etc/barnacle/config.jsonc",
        "chmod g+r /etc/barnacle/config.jsonc",
        "chgrp barnacle /etc/barnacle/credentials/discord_token",
        "chmod g+r /etc/barnacle/credentials/discord_token",
        ...STARTED,
      ]);
      assert.equal(io.stdout.at(-1), "The service runs: pass  running");

      own();
      const before = calls().length;
      assert.equal(await install(), 0);
      assert.equal(io.stdout.at(-1), "The service is installed and runs; nothing to do.");
      assert.equal(calls().length, before);
    }));

  it("does only the missing steps", () =>
    onStage(async ({ machine, io, root, calls, text, put, own, install }) => {
      await install();
      own();
      const more = async (change: () => void) => {
        const [before, shown] = [calls().length, io.stdout.length];
        change();
        await install();
        return [io.stdout.slice(shown, -1), calls().slice(before)];
      };
      const restart = "systemctl restart --no-block barnacle.service";
      assert.deepEqual(
        await more(() => put("usr/local/bin/barnacle", "older")),
        [
          [`copy    ${machine.program} to /usr/local/bin/barnacle (0755)`, `run     ${restart}`],
          [restart],
        ],
      );
      assert.equal(text("usr/local/bin/barnacle"), "program");
      assert.deepEqual(
        await more(() => chmodSync(join(root, "etc/barnacle/credentials"), 0o755)),
        [["folder  /etc/barnacle/credentials (0750)", `run     ${restart}`], [restart]],
      );
      assert.deepEqual(
        await more(() => chmodSync(join(root, "etc/barnacle/config.jsonc"), 0o600)),
        [
          [
            "run     chgrp barnacle /etc/barnacle/config.jsonc",
            "run     chmod g+r /etc/barnacle/config.jsonc",
            `run     ${restart}`,
          ],
          [
            "chgrp barnacle /etc/barnacle/config.jsonc",
            "chmod g+r /etc/barnacle/config.jsonc",
            restart,
          ],
        ],
      );
    }));

  it("leaves the unit and the program of a package alone", () =>
    onStage(async ({ io, root, put, install }) => {
      put("usr/lib/systemd/system/barnacle.service", OUR_UNIT);
      await install();
      assert.ok(!existsSync(join(root, "usr/local/bin/barnacle")));
      assert.ok(!existsSync(join(root, UNIT)));
      assert.match(io.stdout.join("\n"), /^A package has installed .*; it stays as it is\.$/m);
    }));

  it("refuses a config that differs from the service's own", () =>
    onStage(async ({ put, install }) => {
      const config = put("mine.jsonc", `${CONFIG} `, 0o600);
      await assert.rejects(install({ config }), {
        message:
          `the service reads /etc/barnacle/config.jsonc, which differs from ${config}. Leave ` +
          "out --config to keep it, or replace it yourself",
        code: 1,
      });
    }));

  it("changes nothing in a dry run, without a yes, and without a terminal", async () => {
    await onStage(async ({ io, root, calls, install }) => {
      assert.equal(await install({ dryRun: true }), 0);
      assert.ok(io.stdout.includes("        | ExecStart=/usr/local/bin/barnacle run"));
      assert.deepEqual(io.stderr, ["Dry run: nothing was changed."]);
      assert.equal(await install({ dryRun: true, json: true }), 0);
      const { target, steps, changed } = JSON.parse(io.stdout.at(-1) ?? "");
      assert.deepEqual([target, steps.length > 5, changed], ["systemd", true, false]);
      await assert.rejects(install({ yes: false }), {
        message: "nothing was changed. Without a terminal, add --yes to do this, or --dry-run to " +
          "see each step",
        code: 2,
      });
      assert.deepEqual(calls(), []);
      assert.ok(!existsSync(join(root, UNIT)));
    });
    await onStage(async ({ io, calls, install }) => {
      assert.equal(await install({ yes: false }), 0);
      assert.deepEqual(io.stderr, ["Nothing was changed."]);
      assert.deepEqual(calls(), []);
    }, { answer: false });
  });

  it("writes secrets that only root and the service can read, and never shows them", () =>
    onStage(async ({ io, text, mode, install }) => {
      const secrets = { other_key: "very secret" };
      assert.equal(await install({ secrets }), 0);
      assert.equal(text("etc/barnacle/credentials/other_key"), "very secret");
      assert.equal(mode("etc/barnacle/credentials/other_key"), 0o640);
      assert.ok(![...io.stdout, ...io.stderr].join().includes("very secret"));
    }));

  it("copies a config with the files of secrets that it names, and no others", () =>
    onStage(async ({ io, root, text, mode, put, install }) => {
      rmSync(join(root, "etc/barnacle"), { recursive: true });
      const config = put("home/ada/config.jsonc", CONFIG, 0o600);
      put("home/ada/credentials/discord_token", TOKEN, 0o600);
      put("home/ada/credentials/other_key", "not named", 0o600);
      assert.equal(await install({ config }), 0);
      const copy = "etc/barnacle/credentials/discord_token";
      assert.equal(text(copy), TOKEN);
      assert.equal(mode(copy), 0o640);
      assert.ok(!existsSync(join(root, "etc/barnacle/credentials/other_key")));
      assert.ok(![...io.stdout, ...io.stderr].join().includes(TOKEN));
    }));

  it("copies no secret through a link", () =>
    onStage(async ({ root, put, link, install }) => {
      rmSync(join(root, "etc/barnacle"), { recursive: true });
      const config = put("home/ada/config.jsonc", CONFIG, 0o600);
      link(put("elsewhere", TOKEN), "home/ada/discord_token");
      await assert.rejects(
        install({ config }),
        /There is no file \/etc\/barnacle\/credentials\/discord_token/,
      );
    }));

  it("repairs an older unit of Barnacle, and keeps a copy", () =>
    onStage(async ({ text, put, install }) => {
      put(UNIT, OUR_UNIT);
      assert.equal(await install(), 0);
      assert.match(text(UNIT), /^Type=notify$/m);
      assert.equal(text(`${UNIT}.bak`), OUR_UNIT);
    }));

  it("tells a user how to let the service go on without a login", () =>
    onStage(async ({ io, set, calls, text, put, install }) => {
      set("refuse", "");
      const config = CONFIG.replace("discord_token", "/etc/barnacle/credentials/discord_token");
      put("home/ada/.config/barnacle/config.jsonc", config);
      assert.equal(await install(), 0);
      assert.deepEqual(io.stderr, [
        "`loginctl enable-linger` ended with 1. Without lingering, the bot stops when you log out. " +
        "As root: sudo loginctl enable-linger ada",
      ]);
      assert.ok(calls().includes("systemctl --user enable barnacle.service"));
      assert.match(
        text("home/ada/.config/systemd/user/barnacle.service"),
        /^ExecStart=\/home\/ada\/\.local\/bin\/barnacle run --config \/home\/ada\/\.config\//m,
      );
    }, { uid: 1000 }));

  it("shows the journal's reason if the bot ends", () =>
    onStage(async ({ set, install }) => {
      set(
        "after",
        "ActiveState=failed\nSubState=failed\nNRestarts=0\nExecMainCode=1\nExecMainStatus=77\n" +
          "Result=exit-code\n",
      );
      const event = { level: "error", event: "Discord refused the bot", fields: { hint: "reset" } };
      set("journal", `Starting…\n${JSON.stringify(event)}\n`);
      await assert.rejects(install(), {
        message: "the service is installed, but the bot ended: 77: bot token or intents rejected " +
          "by Discord\n  Discord refused the bot: reset",
        code: 1,
      });
    }));

  it("waits until an active bot settles", () =>
    onStage(async ({ machine, io, set }) => {
      set("after", "ActiveState=active\nStatusText=warn  starting\n");
      let looks = 0;
      const run: typeof machine.run = async (argv) => {
        const answer = await machine.run(argv);
        if (answer.stdout.includes("warn") && ++looks === 2) set("show", "ActiveState=failed\n");
        return answer;
      };
      const ended = { message: /^the service is installed, but the bot ended/ };
      await assert.rejects(installService({ yes: true }, io, { ...machine, run }, TIMES), ended);
    }));

  const refused: readonly (readonly [
    string,
    (stage: Stage) => Partial<Parameters<typeof installService>[0]> | void,
    RegExp,
    number,
  ])[] = [
    ["--data with the machine's service", () => ({ data: "/x" }), /leave out --data$/, 2],
    ["a missing config", () => ({ config: "/none.jsonc" }), /No such file/, 78],
    [
      "a config whose token only this shell has",
      ({ put, io }) => {
        Object.assign(io.env, { DISCORD_BOT_TOKEN: TOKEN });
        put(OWN_CONFIG, CONFIG.replace('{"file":"discord_token"}', '"${DISCORD_BOT_TOKEN}"'));
      },
      /^the service could not start with this config: it does not have the variables of this shell[^]*DISCORD_BOT_TOKEN is not set/,
      78,
    ],
    [
      "a secret that is not there",
      ({ put }) => void put(OWN_CONFIG, CONFIG.replace("discord_token", "nothing")),
      /^the service could not start with this config\n[^]*There is no file \/etc\/barnacle\/credentials\/nothing/,
      78,
    ],
    [
      "a wrong config that it would copy, by its own path",
      ({ put }) => ({
        config: put("mine.jsonc", CONFIG.replace("discord_token", "nothing"), 0o600),
      }),
      /^the service could not start with this config\n\S+\/mine\.jsonc:\d+:\d+: /,
      78,
    ],
    [
      "a foreign unit",
      ({ put }) => void put(UNIT, "[Service]\n"),
      /is not a unit of Barnacle, so it stays as it is/,
      1,
    ],
    [
      "a folder in the unit's place",
      ({ root }) => mkdirSync(join(root, UNIT)),
      /^cannot read \/etc\/systemd\/system\/barnacle\.service: it is a folder$/,
      74,
    ],
    [
      "a pipe in the unit's place",
      ({ root }) => void execFileSync("mkfifo", [join(root, UNIT)]),
      /^cannot read \/etc\/systemd\/system\/barnacle\.service: it is no regular file$/,
      74,
    ],
    [
      "an endless file as secret",
      ({ put, link }) => {
        put(OWN_CONFIG, CONFIG.replace("discord_token", "endless"));
        link("/dev/zero", "etc/barnacle/credentials/endless");
      },
      /it is no regular file/,
      78,
    ],
    ...FOREIGN_CONFIGS.map(([name, uid, mode, words]) =>
      [
        name,
        ({ root, put }: Stage) => {
          rmSync(join(root, OWN_CONFIG));
          const config = put("home.jsonc", CONFIG);
          chmodSync(config, mode);
          chownSync(config, uid, 0);
          return { config };
        },
        words,
        78,
      ] as const
    ),
    ["a masked unit", ({ link }) => link("/dev/null", UNIT), /is empty or masked/, 1],
  ];
  for (const [name, prepare, message, code] of refused) {
    it(`is refused before any change: ${name}`, () =>
      onStage(async (stage) => {
        const request = prepare(stage) ?? {};
        await assert.rejects(stage.install(request), { message, code });
        assert.deepEqual(stage.calls(), []);
      }));
  }

  it("follows no link in the place of a file that it is about to write", () =>
    onStage(async ({ text, put, link, install }) => {
      const victim = put("victim", "mine", 0o644);
      for (const path of ["usr/local/bin/barnacle", UNIT]) link(victim, `${path}.part`);
      assert.equal(await install(), 0);
      assert.equal(text("victim"), "mine");
      assert.equal(statSync(victim).mode & 0o777, 0o644);
      assert.equal(text("usr/local/bin/barnacle"), "program");
    }));

  it("runs no program of a folder that others may write, as root", async () => {
    if (process.getuid?.() !== 0) return;
    using directory = tempDirectory();
    const name = join(directory.path, "evil-tool");
    writeFileSync(name, "#!/bin/sh\necho ran\n", { mode: 0o755 });
    const run = () => openMachine({ PATH: `.:${directory.path}` }).run(["evil-tool"]);
    assert.equal((await run()).stdout, "ran\n");
    chownSync(directory.path, 1234, 0);
    assert.deepEqual(await run(), { code: 127, stdout: "", stderr: "evil-tool is not installed" });
    chownSync(directory.path, 0, 0);
    chmodSync(directory.path, 0o777);
    assert.equal((await run()).code, 127);
  });

  it("needs the binary, and says so to setup, too", () =>
    onStage(async ({ machine, io }) => {
      const fromSource = { ...machine, program: undefined };
      const message =
        "Barnacle runs from source here, and a service needs the binary; `deno task " +
        "compile host` makes dist/barnacle";
      assert.equal(await serviceOffer(fromSource), undefined);
      await assert.rejects(installService({ yes: true }, io, fromSource), { message });
      assert.equal((await serviceOffer(machine))?.target, "systemd");
    }));

  it("reads the log under launchd, which takes a bot that ends again and again for running", async () => {
    const event = (level: string, text: string) => `${JSON.stringify({ level, event: text })}\n`;
    const started = async (log: string) => {
      let result: Promise<unknown> | undefined;
      await onStage(async ({ machine: linux, io, put }) => {
        put("home/ada/.config/barnacle/config.jsonc", CONFIG, 0o600);
        put("home/ada/.config/barnacle/credentials/discord_token", TOKEN, 0o600);
        const file = put("home/ada/Library/Logs/barnacle.log", event("error", "an old error"));
        const machine: typeof linux = {
          ...linux,
          platform: "darwin",
          async run(argv) {
            if (argv[1] === "bootstrap") setTimeout(() => appendFileSync(file, log), 5);
            return await Promise.resolve({ code: 0, stdout: "", stderr: "" });
          },
        };
        result = installService({ yes: true }, io, machine, TIMES);
        await result.catch(() => {});
      }, { uid: 501 });
      return result;
    };
    assert.equal(await started(event("info", "The bot is ready")), 0);
    assert.equal(await started(event("info", "no decision in the log")), 0);
    await assert.rejects(started(event("error", "Discord refused the bot")), {
      message: "the service is installed, but it does not start\n  Discord refused the bot",
    });
  });
});

describe("[O11] barnacle service uninstall", () => {
  it("removes the service, and says what stays", () =>
    onStage(async ({ machine, io, root, calls, install }) => {
      await install();
      const before = calls().length;
      io.stdout.length = 0;
      assert.equal(await uninstallService({ yes: true }, io, machine), 0);
      assert.deepEqual(calls().slice(before), [
        "systemctl disable --now barnacle.service",
        "systemctl daemon-reload",
      ]);
      assert.ok(!existsSync(join(root, UNIT)));
      assert.deepEqual(io.stdout.slice(-4), [
        "The service is removed. These stay; delete them yourself if you want:",
        "  config   /etc/barnacle/config.jsonc",
        "  secrets  /etc/barnacle/credentials",
        "  program  /usr/local/bin/barnacle",
      ]);
      assert.equal(await uninstallService({ yes: true }, io, machine), 0);
      assert.match(
        io.stdout.at(-1) ?? "",
        /^There is no service of Barnacle at .*nothing to do\.$/,
      );
    }));
});

describe("[O4] barnacle service status", () => {
  it("shows the service on one screen", () =>
    onStage(async ({ machine, io, set, install }) => {
      await install();
      set(
        "show",
        "LoadState=loaded\nActiveState=active\nSubState=running\nResult=success\n" +
          "StateChangeTimestamp=Fri 2026-11-20 17:12:03 UTC\nNRestarts=2\nExecMainCode=0\n" +
          "ExecMainStatus=0\nMainPID=42\nUnitFileState=enabled\nStatusText=pass  running\n",
      );
      const status = await readStatus("systemd", machine);
      assert.deepEqual(statusLines(status, "ada", Date.UTC(2026, 10, 20, 19, 12, 3)), [
        "Service   running since 2026-11-20 17:12:03 UTC (2 h 0 min), pid 42",
        "Bot       pass  running",
        "Unit      /etc/systemd/system/barnacle.service",
        "At boot   starts",
        "Restarts  2",
        "Last end  none",
        "Log       sudo journalctl -u barnacle",
      ]);
      assert.equal(await showService({ json: true }, io, machine), 0);
      assert.equal(JSON.parse(io.stdout.at(-1) ?? "").restarts, 2);
    }));

  it("says how the process ended, in words", async () => {
    const ends: readonly (readonly [string, string, string, string])[] = [
      ["1", "78", "exit-code", "78: invalid config"],
      ["1", "75", "exit-code", "75: temporary problem, such as another instance"],
      ["1", "203", "exit-code", "203: systemd cannot run the program"],
      ["1", "99", "exit-code", "99: unknown"],
      ["2", "9", "watchdog", "signal 9: it did not answer the watchdog"],
      ["2", "9", "oom-kill", "signal 9: the kernel ended it for want of memory"],
      ["2", "9", "signal", "signal 9: killed"],
      ["1", "0", "success", "0: success"],
    ];
    await onStage(async ({ machine, set }) => {
      for (const [code, status, result, words] of ends) {
        set(
          "show",
          `ActiveState=failed\nExecMainCode=${code}\nExecMainStatus=${status}\nResult=${result}\n`,
        );
        assert.equal((await readStatus("systemd", machine)).lastEnd, words);
      }
    });
  });

  it("says what it does, in words", () =>
    onStage(async ({ machine, set }) => {
      for (
        const [active, sub, words] of [
          ["activating", "auto-restart", "ended, restarts soon"],
          ["activating", "start", "starting"],
          ["deactivating", "stop-sigterm", "stopping"],
          ["failed", "failed", "failed, and not restarted"],
          ["inactive", "dead", "stopped"],
          ["reloading", "reload", "reloading (reload)"],
        ]
      ) {
        set("show", `ActiveState=${active}\nSubState=${sub}\n`);
        assert.equal((await readStatus("systemd", machine)).state, words);
      }
    }));

  it("says of a user's service when it starts", () =>
    onStage(async ({ machine, set, put }) => {
      set("show", "ActiveState=active\nSubState=running\nUnitFileState=enabled\n");
      put("home/ada/.config/systemd/user/barnacle.service", OUR_UNIT);
      const shown = async () =>
        statusLines(await readStatus("systemd-user", machine), "ada", 0).join("\n");
      assert.match(
        await shown(),
        /^At boot {3}starts when you log in\n[^]*^Linger {4}off: the bot stops when you log out; sudo/m,
      );
      put("var/lib/systemd/linger/ada", "");
      assert.match(await shown(), /^At boot {3}starts\n[^]*^Linger {4}on$/m);
    }, { uid: 1000 }));
});
