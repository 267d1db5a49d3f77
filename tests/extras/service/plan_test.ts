/** Tests plans: from the facts of a machine to files and commands. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stepLines } from "../../../src/extras/service/apply.ts";
import { layoutOf, systemdWord } from "../../../src/extras/service/layout.ts";
import {
  type Found,
  type InstallWish,
  planInstall,
  planUninstall,
} from "../../../src/extras/service/plan.ts";

const NOTHING: Found = {
  texts: new Map(),
  folders: new Map(),
  hasProgram: false,
  hasAccount: false,
  shared: new Set(),
  isEnabled: false,
  isActive: false,
  lingers: false,
};
const DOWNLOAD = "/tmp/barnacle";
const WISH: InstallWish = { program: DOWNLOAD, user: "ada", uid: 1000 };
const FACTS = { home: "/home/ada", program: DOWNLOAD };
const SYSTEM = layoutOf("systemd", FACTS);
const USER = layoutOf("systemd-user", FACTS);
const AGENT = layoutOf("launchd", { ...FACTS, home: "/Users/ada" });
const TASK = layoutOf("task", { home: "C:\\Users\\ada", program: "D:\\b.exe", user: "PC\\ada" });
const CONFIG = { path: "/home/ada/config.jsonc", text: "{}\n" };
const MANUAL = "[Unit]\nDescription=Barnacle - Discord AI agent\nExecStart=/old run\n";

/** The state after {@link planInstall} was carried out. */
const DONE: Found = {
  ...NOTHING,
  texts: new Map([[SYSTEM.units[0].path, SYSTEM.units[0].text], [SYSTEM.config, "{}\n"]]),
  folders: new Map([["/etc/barnacle", 0o750], ["/etc/barnacle/credentials", 0o700]]),
  hasProgram: true,
  hasAccount: true,
  shared: new Set(["/etc/barnacle", SYSTEM.config]),
  isEnabled: true,
  isActive: true,
};

/** The first line of each step. */
function shown({ steps }: ReturnType<typeof planInstall>): readonly string[] {
  return steps.map((step) => stepLines(step, false)[0] ?? "").map((line) =>
    line.replace(/, \d+ lines/, "")
  );
}

describe("[O4] the plan of an installation", () => {
  it("has each step of a machine's first service", () => {
    const plan = planInstall(SYSTEM, NOTHING, {
      ...WISH,
      config: CONFIG,
      secrets: { discord_token: "hidden" },
    });
    assert.deepEqual(shown(plan), [
      "file    /etc/sysusers.d/barnacle.conf (new, 0644)",
      "run     systemd-sysusers /etc/sysusers.d/barnacle.conf",
      "copy    /tmp/barnacle to /usr/local/bin/barnacle (0755)",
      "folder  /etc/barnacle (0750)",
      "run     chgrp barnacle /etc/barnacle",
      "folder  /etc/barnacle/credentials (0700)",
      "copy    /home/ada/config.jsonc to /etc/barnacle/config.jsonc (0640)",
      "run     chgrp barnacle /etc/barnacle/config.jsonc",
      "secret  /etc/barnacle/credentials/discord_token (new, 0600; never shown)",
      "file    /etc/systemd/system/barnacle.service (new, 0644)",
      "run     systemctl daemon-reload",
      "run     systemctl enable barnacle.service",
      "run     systemctl restart --no-block barnacle.service",
      "wait    until the bot is ready",
    ]);
    assert.ok(!JSON.stringify(plan.steps.map((step) => stepLines(step, true))).includes("hidden"));
  });

  it("has each step of a user's first service", () => {
    assert.deepEqual(shown(planInstall(USER, { ...NOTHING, hasAccount: true }, WISH)), [
      "copy    /tmp/barnacle to /home/ada/.local/bin/barnacle (0755)",
      "file    /home/ada/.config/systemd/user/barnacle.service (new, 0644)",
      "run     systemctl --user daemon-reload",
      "run     systemctl --user enable barnacle.service",
      "run     loginctl enable-linger",
      "run     systemctl --user restart --no-block barnacle.service",
      "wait    until the bot is ready",
    ]);
  });

  it("has each step on Windows, and ends a running bot before it replaces its program", () => {
    const wish = { ...WISH, program: "D:\\b.exe" };
    const create = [
      "run     schtasks /Create /TN Barnacle /XML 'C:\\Users\\ada\\AppData\\Local\\barnacle\\task.xml' /F",
      "run     schtasks /Run /TN Barnacle",
      "wait    until the bot is ready",
    ];
    const copy =
      "copy    D:\\b.exe to C:\\Users\\ada\\AppData\\Local\\barnacle\\bin\\barnacle.exe (0755)";
    const file = "file    C:\\Users\\ada\\AppData\\Local\\barnacle\\task.xml";
    const end = "run     schtasks /End /TN Barnacle";
    const first = planInstall(TASK, NOTHING, wish);
    assert.deepEqual(shown(first), [copy, `${file} (new, 0600)`, ...create]);
    assert.match(first.notes.join(), /log\.file/);

    const [unit] = TASK.units;
    const texts = new Map([[unit.path, unit.text]]);
    const done = { ...NOTHING, texts, hasProgram: true, isEnabled: true, isActive: true };
    assert.deepEqual(planInstall(TASK, done, wish).steps, []);
    assert.deepEqual(shown(planInstall(TASK, { ...done, hasProgram: false }, wish)), [
      ...[end, copy],
      ...create,
    ]);
    const old = { ...done, texts: new Map([[unit.path, `${unit.text} `]]) };
    assert.deepEqual(shown(planInstall(TASK, old, wish)), [
      `${file} (changed, 0600)`,
      ...[end, ...create],
    ]);
    assert.deepEqual(shown(planUninstall(TASK, done, { uid: -1 })), [
      end,
      "run     schtasks /Delete /TN Barnacle /F",
      "remove  C:\\Users\\ada\\AppData\\Local\\barnacle\\task.xml",
    ]);
  });

  it("has each step of a launch agent", () => {
    assert.deepEqual(shown(planInstall(AGENT, { ...NOTHING, hasAccount: true }, WISH)), [
      "copy    /tmp/barnacle to /Users/ada/.local/bin/barnacle (0755)",
      "file    /Users/ada/Library/LaunchAgents/bot.barnacle.plist (new, 0644)",
      "run     launchctl bootstrap gui/1000 /Users/ada/Library/LaunchAgents/bot.barnacle.plist",
      "wait    until the bot is ready",
    ]);
  });

  const partly: readonly (readonly [string, Partial<Found>, readonly string[]])[] = [
    ["everything is in place", {}, []],
    ["the bot does not run", { isActive: false }, [
      "run     systemctl restart --no-block barnacle.service",
      "wait    until the bot is ready",
    ]],
    ["the program is older", { hasProgram: false }, [
      "copy    /tmp/barnacle to /usr/local/bin/barnacle (0755)",
      "run     systemctl restart --no-block barnacle.service",
      "wait    until the bot is ready",
    ]],
    ["others may enter the folder of the secrets", {
      folders: new Map([["/etc/barnacle", 0o750], ["/etc/barnacle/credentials", 0o755]]),
    }, [
      "folder  /etc/barnacle/credentials (0700)",
      "run     systemctl restart --no-block barnacle.service",
      "wait    until the bot is ready",
    ]],
    ["the service may not read its config", { shared: new Set(["/etc/barnacle"]) }, [
      "run     chgrp barnacle /etc/barnacle/config.jsonc",
      "run     chmod g+r /etc/barnacle/config.jsonc",
      "run     systemctl restart --no-block barnacle.service",
      "wait    until the bot is ready",
    ]],
    ["the unit is of an older version", {
      texts: new Map([...DONE.texts, [SYSTEM.units[0].path, MANUAL]]),
    }, [
      "file    /etc/systemd/system/barnacle.service (changed, 0644)",
      "run     systemctl daemon-reload",
      "run     systemctl restart --no-block barnacle.service",
      "wait    until the bot is ready",
    ]],
  ];
  for (const [name, found, steps] of partly) {
    it(`has only the missing steps: ${name}`, () => {
      assert.deepEqual(shown(planInstall(SYSTEM, { ...DONE, ...found }, WISH)), steps);
    });
  }

  it("keeps a copy of an older unit", () => {
    const texts = new Map([...DONE.texts, [SYSTEM.units[0].path, MANUAL]]);
    assert.deepEqual(planInstall(SYSTEM, { ...DONE, texts }, WISH).notes, [
      "/etc/systemd/system/barnacle.service is another version of Barnacle's unit; a copy stays as " +
      "/etc/systemd/system/barnacle.service.bak.",
    ]);
  });

  it("leaves the unit and the program of a package alone", () => {
    const texts = new Map([["/usr/lib/systemd/system/barnacle.service", MANUAL], [
      SYSTEM.config,
      "{}\n",
    ]]);
    const plan = planInstall(SYSTEM, { ...DONE, texts, isEnabled: false, isActive: false }, WISH);
    assert.deepEqual(shown(plan), [
      "run     systemctl enable barnacle.service",
      "run     systemctl restart --no-block barnacle.service",
      "wait    until the bot is ready",
    ]);
  });

  const refused: readonly (readonly [string, Found, InstallWish, string])[] = [
    [
      "a foreign unit",
      { ...NOTHING, texts: new Map([[SYSTEM.units[0].path, "[Service]\nExecStart=/bin/x\n"]]) },
      WISH,
      "/etc/systemd/system/barnacle.service is not a unit of Barnacle, so it stays as it is. " +
      "Rename or remove it first",
    ],
    [
      "a masked unit",
      { ...NOTHING, texts: new Map([[SYSTEM.units[0].path, ""]]) },
      WISH,
      "/etc/systemd/system/barnacle.service is empty or masked. Run " +
      "`systemctl unmask barnacle.service`, or remove it first",
    ],
    [
      "another config",
      { ...DONE, texts: new Map([...DONE.texts, [SYSTEM.config, '{"a":1}']]) },
      { ...WISH, config: CONFIG },
      "the service reads /etc/barnacle/config.jsonc, which differs from /home/ada/config.jsonc. " +
      "Leave out --config to keep it, or replace it yourself",
    ],
  ];
  for (const [name, found, wish, message] of refused) {
    it(`is refused: ${name}`, () => {
      assert.throws(() => planInstall(SYSTEM, found, wish), { message, code: 1 });
    });
  }
});

describe("[O11] the plan of a removal", () => {
  it("stops and removes the service, and nothing else", () => {
    assert.deepEqual(shown(planUninstall(SYSTEM, DONE, WISH)), [
      "run     systemctl disable --now barnacle.service",
      "remove  /etc/systemd/system/barnacle.service",
      "run     systemctl daemon-reload",
    ]);
  });
});

describe("[O4] the unit of a user", () => {
  const words: readonly (readonly [string, string])[] = [
    ["/home/ada/.local/bin/barnacle", "/home/ada/.local/bin/barnacle"],
    ["/home/ada lovelace/x", '"/home/ada lovelace/x"'],
    ["/home/100%/x", "/home/100%%/x"],
    ["/home/$USER/x", "/home/$$USER/x"],
    ['/home/a"b\\c', '"/home/a\\"b\\\\c"'],
    ["/home/ü", '"/home/ü"'],
    ["/home/a;b", '"/home/a;b"'],
    ["/home/a\nExecStartPre=b\t", '"/home/a\\x0aExecStartPre=b\\x09"'],
  ];
  for (const [path, word] of words) {
    it(`quotes ${path}`, () => assert.equal(systemdWord(path), word));
  }

  it("names program, config and data", () => {
    const { units: [unit] } = layoutOf("systemd-user", {
      ...FACTS,
      config: "/home/ada/my bot/config.jsonc",
      dataDir: "/srv/data",
    });
    assert.match(
      unit.text,
      /^ExecStart=\/home\/ada\/\.local\/bin\/barnacle run --config "\/home\/ada\/my bot\/config\.jsonc" --data \/srv\/data$/m,
    );
  });

  it("has this user's paths in a launch agent, escaped", () => {
    const { units: [{ text }] } = layoutOf("launchd", {
      home: "/Users/a&b",
      program: "/opt/homebrew/bin/barnacle",
    });
    assert.ok(text.includes("<string>/Users/a&amp;b/Library/Logs/barnacle.log</string>"));
    assert.ok(text.includes("<string>/opt/homebrew/bin/barnacle</string>"));
    assert.ok(!text.includes("/Users/me"));
  });
});
