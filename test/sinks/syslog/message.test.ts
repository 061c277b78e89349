import assert from "node:assert/strict";
import fc from "fast-check";
import { type SyslogMessage, syslogText } from "../../../sinks/syslog/message.ts";
import { messageWriter, mostBytes } from "../../../sinks/syslog/record-message.ts";
import { parseSyslogServer } from "../../../sinks/syslog/server.ts";
import { flow, pod } from "../../support/flows.ts";
import { readMessage } from "./read-message.ts";

const plain: SyslogMessage = {
  facility: "local0",
  severity: "info",
  time: 1_700_000_000_123_456,
  host: "node-1",
  kind: "flow",
  fields: { action: "deny", count: 3, none: null },
  text: "{}",
};

const cases: readonly { title: string; parts: Partial<SyslogMessage>; is: string }[] = [
  {
    title: "header, data and text",
    parts: {},
    is: '<134>1 2023-11-14T22:13:20.123456Z node-1 sluice - flow [sluice@32473 action="deny" count="3"] {}',
  },
  {
    title: "the priority of facility and severity",
    parts: { facility: "audit", severity: "alert", fields: {} },
    is: "<105>1 2023-11-14T22:13:20.123456Z node-1 sluice - flow [sluice@32473] {}",
  },
  {
    title: "a host of nothing",
    parts: { host: "", fields: {} },
    is: "<134>1 2023-11-14T22:13:20.123456Z - sluice - flow [sluice@32473] {}",
  },
  {
    title: "a host that would end the header",
    parts: { host: "a b\n", fields: {} },
    is: "<134>1 2023-11-14T22:13:20.123456Z a?b? sluice - flow [sluice@32473] {}",
  },
  {
    title: "values that would end the data",
    parts: { fields: { a: 'x"] [evil y="\\' } },
    is: '<134>1 2023-11-14T22:13:20.123456Z node-1 sluice - flow [sluice@32473 a="x\\"\\] [evil y=\\"\\\\"] {}',
  },
  {
    title: "line breaks in values",
    parts: { fields: { a: "x\n<0>1 y\u0085" } },
    is: '<134>1 2023-11-14T22:13:20.123456Z node-1 sluice - flow [sluice@32473 a="x?<0>1 y?"] {}',
  },
];

describe("sinks/syslog/message", () => {
  for (const { title, parts, is } of cases)
    it(`writes ${title}`, () => assert.equal(syslogText({ ...plain, ...parts }), is));

  it("is read back whatever the names", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (name, label) => {
        const record = flow({ source: { ...pod("shop/web-1", { app: label }), name } });
        const text = messageWriter("flow", "local0")(record);
        const { kind, fields, body } = readMessage(text);
        assert.match(body, /^[\x20-\x7e]*$/);
        assert.equal(kind, "flow");
        assert.equal(fields.get("id"), `${record.cluster}/${record.node}/${record.epoch}/${record.seq}`);
        const told = JSON.parse(body) as { readonly source: { readonly name: string; readonly labels: object } };
        assert.equal(told.source.name, name);
        assert.deepEqual(told.source.labels, { app: label });
      }),
    );
  });
  for (const [title, labels, names] of [
    ["its labels", { app: "x".repeat(mostBytes) }, "web"],
    ["all but the fields", {}, "w".repeat(mostBytes)],
  ] as const)
    it(`leaves out ${title} of a record that is too long`, () => {
      const record = flow({ source: pod("shop/web-1", labels), destinationDomain: names });
      const text = messageWriter("flow", "local0")(record);
      assert.ok(text.length <= mostBytes);
      const { fields, body } = readMessage(text);
      assert.equal(fields.get("action"), record.action);
      assert.equal(body, names === "web" ? JSON.stringify(JSON.parse(body)) : "");
    });
});

describe("sinks/syslog/server", () => {
  for (const [text, is] of [
    ["tls://siem", { transport: "tls", host: "siem", port: 6514 }],
    ["tcp://10.0.0.9:1601", { transport: "tcp", host: "10.0.0.9", port: 1601 }],
    ["udp://[fd00::1]:514", { transport: "udp", host: "fd00::1", port: 514 }],
    ["http://siem", undefined],
    ["tcp://siem:0", undefined],
    ["tcp://siem:65536", undefined],
    ["siem:514", undefined],
    ["", undefined],
  ] as const)
    it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(parseSyslogServer(text), is));
});
