import assert from "node:assert/strict";
import { containerOf, culpritOf, glimpseOf } from "../../../enforcer/tamper/culprit.ts";

const id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/** /proc as far as it is looked at. */
const files: Readonly<Record<string, string>> = {
  "/proc/40/cmdline": "nft\0flush\0ruleset\0",
  "/proc/40/status": "Name:\tnft\nTgid:\t40\nPPid:\t30\nUid:\t0\t0\t0\t0\n",
  "/proc/40/cgroup": `0::/kubepods.slice/kubepods-pod0f0e0d0c_1111_2222_3333_444455556666.slice/cri-containerd-${id}.scope\n`,
  "/proc/40/loginuid": "1000",
  "/proc/30/cmdline": "bash\0-c\0nft flush ruleset\0",
  "/proc/30/status": "Name:\tbash\nPPid:\t1\nUid:\t1000\t1000\t1000\t1000\n",
  "/proc/1/status": "Name:\tsystemd\nPPid:\t0\nUid:\t0\t0\t0\t0\n",
  "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/bash\n",
  "/proc/41/cmdline": "",
  "/proc/41/status": "Name:\tnft\nTgid:\t41\nPPid:\t30\nUid:\t7\t7\t7\t7\n",
  "/proc/42/cmdline": "curl\0--token\0hunter2\0--password=x y\0",
  "/proc/42/status": "Name:\tcurl\nPPid:\t0\nUid:\t0\t0\t0\t0\n",
};
const read = (path: string) => files[path];
const find = (pid: number, program: string) => culpritOf({ pid, program }, glimpseOf(pid, read), read);

describe("enforcer/tamper/culprit", () => {
  it("names the process, its user, its container and what started it", () =>
    assert.deepEqual(find(40, "nft"), {
      pid: 40,
      program: "nft",
      commandLine: "nft flush ruleset",
      uid: 0,
      user: "root",
      login: "ada",
      container: "0123456789ab of pod 0f0e0d0c-1111-2222-3333-444455556666",
      ancestors: ["bash (pid 30)", "systemd (pid 1)"],
    }));

  it("of a process that has ended, tells who started it and how", () => {
    const { commandLine, user, ancestors } = find(41, "nft");
    assert.deepEqual(
      { commandLine, user, ancestors },
      { commandLine: null, user: "7", ancestors: ["bash (pid 30): bash -c nft flush ruleset", "systemd (pid 1)"] },
    );
  });

  const unknown = { commandLine: null, uid: null, user: null, login: null, container: null, ancestors: [] };
  for (const [title, pid, program] of [
    ["a process that is gone", 99, "nft"],
    ["another process that has its number by now", 40, "firewalld"],
    ["a kernel that does not say", 0, ""],
  ] as const)
    it(`knows no more than the kernel says of ${title}`, () =>
      assert.deepEqual(find(pid, program), { pid, program, ...unknown }));

  it("leaves secrets out", () => assert.equal(find(42, "curl").commandLine, "curl --token *** --password=*** y"));

  const groups: readonly (readonly [title: string, cgroup: string, container: string | null])[] = [
    ["a service of the machine", "0::/system.slice/sshd.service\n", null],
    ["docker", `0::/docker/${id}\n`, "0123456789ab"],
    ["docker by systemd", `0::/system.slice/docker-${id}.scope\n`, "0123456789ab"],
    ["podman, of version 1", `12:pids:/\n1:name=systemd:/machine.slice/libpod-${id}.scope\n`, "0123456789ab"],
    [
      "a pod by cgroupfs",
      `0::/kubepods/burstable/pod0f0e0d0c-1111-2222-3333-444455556666/${id}\n`,
      "0123456789ab of pod 0f0e0d0c-1111-2222-3333-444455556666",
    ],
    ["nothing", "", null],
  ];
  for (const [title, cgroup, container] of groups)
    it(`finds the container of ${title}`, () => assert.equal(containerOf(cgroup), container));
});
