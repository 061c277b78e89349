import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KafkaConnection, KafkaSasl } from "../../core/bus-kafka/connection.ts";
import { freePort } from "../../scripts/services/processes.ts";
import { Authority, type Certificate } from "./certificates.ts";
import { ownServices } from "./needs-services.ts";

/**
 * A broker that asks who one is, and lets nobody do what no rule allows. Listeners: plain (everything is allowed there), `ssl` (wants a
 * certificate), `sasl` (TLS; PLAIN and SCRAM), `expired` (TLS with a certificate that is out of date). Whoever is in `superUsers` may do all.
 */
export class SecuredKafka {
  readonly folder = mkdtempSync(join(tmpdir(), "sluice-kafka-"));
  readonly password = "correct horse";
  readonly #services: ReturnType<typeof ownServices>;
  #authority: Authority | undefined;
  #ports: Readonly<Record<"plain" | "ssl" | "sasl" | "expired", number>> | undefined;

  constructor(name: string) {
    this.#services = ownServices(name);
  }

  async up(users: readonly string[], superUsers: readonly string[]): Promise<void> {
    const authority = new Authority(this.folder, "authority");
    this.#authority = authority;
    const names = "IP:127.0.0.1,DNS:broker.test";
    const [broker, old] = [authority.issue("broker", { names }), authority.issue("old-broker", { names, days: -1 })];
    const [ssl, sasl, expired] = [await freePort(), await freePort(), await freePort()];
    const all = [...new Set([...users, ...superUsers])].map((name) => ({ name, password: this.password }));
    const listeners = `PLAINTEXT://127.0.0.1:@PORT@,SSL://127.0.0.1:${ssl},SASL_SSL://127.0.0.1:${sasl},EXPIRED://127.0.0.1:${expired}`;
    const settings = [
      `listeners=${listeners},CONTROLLER://127.0.0.1:@CONTROLLER_PORT@`,
      `advertised.listeners=${listeners}`,
      "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,EXPIRED:SSL",
      "ssl.keystore.type=PEM",
      `ssl.keystore.location=${broker.both}`,
      `listener.name.expired.ssl.keystore.type=PEM`,
      `listener.name.expired.ssl.keystore.location=${old.both}`,
      "ssl.truststore.type=PEM",
      `ssl.truststore.location=${authority.file}`,
      "listener.name.ssl.ssl.client.auth=required",
      "ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/,DEFAULT",
      "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
      `listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required ${all.map(({ name, password }) => `user_${name}="${password}"`).join(" ")};`,
      ...["256", "512"].map(
        (size) =>
          `listener.name.sasl_ssl.scram-sha-${size}.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;`,
      ),
      "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      `super.users=${["ANONYMOUS", ...superUsers].map((name) => `User:${name}`).join(";")}`,
    ];
    const env = await this.#services.up("kafka", { settings, users: all });
    const plain = Number((env["KAFKA_BROKERS"] as string).split(":")[1]);
    this.#ports = { plain, ssl, sasl, expired };
  }

  async remove(): Promise<void> {
    await this.#services.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }

  address(listener: "plain" | "ssl" | "sasl" | "expired"): string {
    if (this.#ports === undefined) throw new Error("the broker is not up");
    return `127.0.0.1:${this.#ports[listener]}`;
  }

  get authorityFile(): string {
    return (this.#authority as Authority).file;
  }

  certificate(name: string): Certificate {
    return (this.#authority as Authority).issue(name);
  }

  /** As everybody who may do everything. */
  plain(): KafkaConnection {
    return { brokers: [this.address("plain")], clientId: "test" };
  }

  byPassword(username: string, mechanism: KafkaSasl["mechanism"], password = () => this.password): KafkaConnection {
    const authorities = readFileSync(this.authorityFile, "utf8");
    const sasl = { mechanism, username, password };
    return { brokers: [this.address("sasl")], clientId: "test", tls: () => ({ authorities }), sasl };
  }

  byCertificate({ certificate, key }: Certificate): KafkaConnection {
    const tls = {
      authorities: readFileSync(this.authorityFile, "utf8"),
      certificate: readFileSync(certificate, "utf8"),
      key: readFileSync(key, "utf8"),
    };
    return { brokers: [this.address("ssl")], clientId: "test", tls: () => tls };
  }
}
