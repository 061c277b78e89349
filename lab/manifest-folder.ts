import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Document, parseAllDocuments, stringify } from "yaml";
import { messageOf, SluiceError } from "../core/errors.ts";
import { type KubeObject, keyOf } from "../core/kube/objects.ts";

/**
 * A folder of manifests that a scenario edits while the product watches it, in the way a careful person would: one document
 * at a time, everything around it kept, files replaced whole.
 */
export class ManifestFolder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** All objects of all YAML files, in the order of file names. Throws MANIFEST_INVALID naming the file. */
  async objects(): Promise<KubeObject[]> {
    const files = await this.#files();
    return files.flatMap(({ documents }) => documents.map(objectOf)).filter((object) => object !== null);
  }

  /** Takes an object away; a file that held nothing else goes too. */
  async remove(key: string): Promise<void> {
    const { file, documents, index } = await this.#find(key);
    const rest = documents.filter((_, other) => other !== index);
    if (rest.length === 0) await rm(file);
    else await replace(file, print(rest));
  }

  /** Adds an object in a file of its own. */
  async add(object: KubeObject): Promise<void> {
    const { name, namespace } = object.metadata;
    const file = [object.kind.toLowerCase(), namespace, name].filter((part) => part !== undefined).join("-");
    await replace(join(this.#path, `${file}.yaml`), stringify(object));
  }

  /** Sets labels of an object, or takes those away that are null. Returns the object as it is now. */
  async patchLabels(key: string, labels: Readonly<Record<string, string | null>>): Promise<KubeObject> {
    const { file, documents, document } = await this.#find(key);
    for (const [label, value] of Object.entries(labels)) {
      if (value === null) document.deleteIn(["metadata", "labels", label]);
      else document.setIn(["metadata", "labels", label], value);
    }
    await replace(file, print(documents));
    return document.toJS() as KubeObject;
  }

  async #find(key: string): Promise<ManifestFile & { readonly index: number; readonly document: Document }> {
    for (const manifest of await this.#files()) {
      const index = manifest.documents.findIndex((document) => {
        const object = objectOf(document);
        return object !== null && keyOf(object) === key;
      });
      const document = manifest.documents[index];
      if (document !== undefined) return { ...manifest, index, document };
    }
    throw new SluiceError("LAB_FAILED", `no ${key} among the manifests in ${this.#path}`);
  }

  async #files(): Promise<ManifestFile[]> {
    const names = (await this.#names()).filter((name) => /\.ya?ml$/.test(name)).sort();
    return Promise.all(names.map((name) => readManifest(join(this.#path, name))));
  }

  async #names(): Promise<string[]> {
    try {
      return await readdir(this.#path, { recursive: true });
    } catch (cause) {
      const message = `the folder of manifests cannot be read: ${messageOf(cause)}`;
      throw new SluiceError("MANIFEST_INVALID", message, { cause });
    }
  }
}

interface ManifestFile {
  readonly file: string;
  readonly documents: Document[];
}

async function readManifest(file: string): Promise<ManifestFile> {
  const documents = parseAllDocuments(await readFile(file, "utf8")) as Document[];
  const fault = documents.flatMap(({ errors }) => errors)[0];
  if (fault !== undefined)
    throw new SluiceError("MANIFEST_INVALID", `${file}: ${fault.message}`, { cause: fault, context: { file } });
  return { file, documents };
}

/** The Kubernetes object of a document, or null if it holds none. */
function objectOf(document: Document): KubeObject | null {
  const value = document.toJS() as Partial<KubeObject> | null;
  return value?.kind === undefined || value.metadata?.name === undefined ? null : (value as KubeObject);
}

function print(documents: readonly Document[]): string {
  return documents.map((document) => document.toString({ lineWidth: 0 }).replace(/^---\n/, "")).join("---\n");
}

/** Whoever watches the folder sees the old text or the new, never half of it. */
async function replace(file: string, text: string): Promise<void> {
  const draft = `${file}.draft`;
  await writeFile(draft, text);
  await rename(draft, file);
}
