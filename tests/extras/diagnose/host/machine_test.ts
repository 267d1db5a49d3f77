import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { readMachine } from "../../../../src/extras/diagnose/machine_facts.ts";
import { judgeMachine, type MachineFacts } from "../../../../src/extras/diagnose/host/machine.ts";
import { tempDirectory } from "../../../support/temp_directory.ts";

/** Reads a machine with these files, and its rows: `"host.card pass: …"`. */
function look(files: Readonly<Record<string, string>>, pid?: number) {
  using root = tempDirectory();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root.path, path)), { recursive: true });
    writeFileSync(join(root.path, path), text);
  }
  const facts = readMachine({ root: root.path, env: { HOME: "/home/ada" }, pid });
  const rows = judgeMachine(facts).map(({ id, status, why }) => `${id} ${status}: ${why}`);
  return { facts, rows };
}

describe("[O3] readMachine() and judgeMachine()", () => {
  it("have no rows for a machine that tells nothing", () => {
    const { facts, rows } = look({});
    const none: MachineFacts = {
      cards: [],
      damaged: [],
      hasMemoryGroup: undefined,
      isRaspberryPi: false,
      unitOwner: undefined,
    };
    assert.deepEqual([facts, rows], [none, []]);
  });

  const device = "sys/block/mmcblk0/device";
  const CARDS: readonly (readonly [name: string, files: Record<string, string>, row?: string])[] = [
    ["a new eMMC", { life_time: "0x01 0x02\n", pre_eol_info: "0x01\n" }, "pass: mmcblk0: up to 20"],
    ["the more worn half", { life_time: "0x01 0x08\n" }, "warn: mmcblk0: up to 80 %"],
    ["a full life", { life_time: "0x0a 0x01\n" }, "warn: mmcblk0: up to 100 %"],
    ["more than a life", { life_time: "0x0b 0x01\n" }, "fail: mmcblk0: it is past the life"],
    [
      "a low reserve",
      { pre_eol_info: "0x02\n" },
      "warn: mmcblk0: its reserve for worn blocks is n",
    ],
    [
      "no reserve",
      { pre_eol_info: "0x03\n" },
      "fail: mmcblk0: its reserve for worn blocks is used",
    ],
    ["an SD card that tells nothing", { name: "SD32G\n" }],
    ["undefined values", { life_time: "0x00 0x00\n", pre_eol_info: "0x00\n" }],
    ["unknown values", { life_time: "0x0c\n", pre_eol_info: "0x09\n" }],
    ["another text", { life_time: "-1 many\n", pre_eol_info: "\n" }],
    ["a half-empty file", { life_time: "0x\n" }],
  ];
  for (const [name, files, row] of CARDS) {
    it(`judge ${name}`, () => {
      const placed = Object.entries(files).map(([file, text]) => [`${device}/${file}`, text]);
      const { rows } = look(Object.fromEntries(placed));
      assert.equal(rows.length, row === undefined ? 0 : 1, rows.join("\n"));
      if (row !== undefined) assert.ok(rows[0]?.startsWith(`host.card ${row}`), rows[0]);
    });
  }

  it("take no part of a card for a card of its own", () => {
    const { facts } = look({
      [`${device}/life_time`]: "0x01 0x01",
      "sys/block/mmcblk0boot0/device/life_time": "0x0b 0x0b",
    });
    assert.deepEqual(facts.cards.map(({ name }) => name), ["mmcblk0"]);
  });

  it("count errors of file systems, and take no other text for a number", () => {
    const { facts } = look({
      "sys/fs/ext4/sda1/errors_count": "0\n",
      "sys/fs/ext4/sda2/errors_count": "12\n",
      "sys/fs/ext4/sda3/errors_count": "some\n",
      "sys/fs/ext4/features/lazy_itable_init": "supported\n",
    });
    assert.deepEqual(facts.damaged, [{ device: "sda2", errors: 12 }]);
  });

  const controllers = "sys/fs/cgroup/cgroup.controllers";
  it("find the control group of memory in v2 and v1, and none in a container", () => {
    const has = (files: Record<string, string>) => look(files).facts.hasMemoryGroup;
    assert.equal(has({ [controllers]: "cpu memory pids\n" }), true);
    assert.equal(has({ [controllers]: "cpu pids\n" }), false);
    assert.equal(has({ [controllers]: "cpu\n", "sys/fs/cgroup/memory/tasks": "" }), true);
    assert.equal(has({ [controllers]: "cpu pids\n", ".dockerenv": "" }), undefined);
  });

  const passwd = { "etc/passwd": "root:x:0:0::/:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n" };
  const service = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/barnacle.service\n";
  it("tell whose service a running bot is, and whether it outlives a logout", () => {
    const { rows } = look({ ...passwd, "proc/7/cgroup": service }, 7);
    assert.match(rows[0] ?? "", /^host\.linger warn: the bot is a service of ada, so it ends/);
    const kept = look(
      { ...passwd, "proc/7/cgroup": service, "var/lib/systemd/linger/ada": "" },
      7,
    );
    assert.deepEqual(kept.rows, ["host.linger pass: the service of ada goes on after logout"]);
  });

  it("say nothing of a system's service, of a terminal, or of an unknown user", () => {
    const places = [
      "0::/system.slice/barnacle.service\n",
      "0::/user.slice/user-1000.slice/session-3.scope\n",
      "0::/user.slice/user-1000.slice/user@1000.service/app.slice/tmux.scope\n",
      service.replace("user@1000", "user@4242"),
      "",
    ];
    for (const group of places) {
      assert.deepEqual(look({ ...passwd, "proc/7/cgroup": group }, 7).rows, [], group);
    }
  });
});
