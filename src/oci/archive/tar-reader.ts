// SPDX-License-Identifier: Apache-2.0
// A push-style tar reader: give it the archive in chunks of any size, and it calls back for each entry and each stretch
// of its data, synchronously and without copying. Reads ustar, V7, GNU (long names, base-256, old sparse) and PAX.
//
// Lifecycle: write()* finish(). For each entry: entry(), data()* with rising offsets, end(). A callback that throws ends
// the reading. Two zero blocks end the archive and what follows is ignored; as with Go's and GNU's readers an archive
// may also just end between two entries. Sizes in PAX records win over the header's, as the standard says; kinds without
// data have none, whatever their header says, as in Go's reader.

import { quoteByteString } from "../../base/byte-string.ts";
import { applyPaxRecord, type PaxAttributes, parsePaxRecords } from "./pax.ts";
import {
  malformedTar,
  maximumTarExtensionBytes,
  maximumTarPathBytes,
  refusedTar,
  type TarEntry,
  type TarEntryKind,
  type TarExtent,
  tarBlockSize,
  tarPaddingSize,
} from "./tar-entry.ts";
import { decodeTarHeader, type TarHeader } from "./tar-header.ts";
import { checkedExtents, LeadingSparseMap, OldGnuSparseMap } from "./tar-sparse.ts";

/** What is told of an archive as it is read. */
export interface TarVisitor {
  /** An entry begins. */
  entry(entry: TarEntry): void;
  /** These bytes of the current file lie at this offset of it; the buffer is only valid during the call. */
  data(bytes: Buffer, offset: number): void;
  /** The current entry is complete. */
  end(): void;
}

const kindByFlag: Readonly<Record<string, TarEntryKind>> = {
  "0": "file",
  "1": "hard-link",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  S: "file",
};

const noXattrs: ReadonlyMap<string, Uint8Array> = new Map();

type State = "header" | "extension" | "old-sparse" | "leading-sparse" | "data" | "padding" | "ended";

/** Reads an archive from chunks of any size. */
export class TarReader {
  readonly #visitor: TarVisitor;
  #state: State = "header";
  /** Bytes of the archive taken so far. */
  #offset = 0;
  /** Where the current block began. */
  #blockStart = 0;
  /** A block that came in pieces. */
  readonly #partial = Buffer.allocUnsafe(tarBlockSize);
  #partialLength = 0;
  #zeroBlocks = 0;
  /** What extension headers said about the next entry, and what global ones say about all. */
  #pax: PaxAttributes = {};
  readonly #global: PaxAttributes = {};
  #hasExtension = false;
  #extension = { typeFlag: "", body: Buffer.alloc(0), length: 0 };
  #header: TarHeader | undefined;
  #oldSparse: OldGnuSparseMap | undefined;
  #leadingSparse: LeadingSparseMap | undefined;
  /** Stored bytes of the current file still to come, and the padding after them. */
  #remaining = 0;
  #padding = 0;
  #fileOffset = 0;
  #extents: readonly TarExtent[] | undefined;
  #extentIndex = 0;

  constructor(visitor: TarVisitor) {
    this.#visitor = visitor;
  }

  /** Takes the next bytes of the archive; data-loss when they are malformed, invalid-argument when over a limit. */
  write(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.#state !== "ended") {
      const taken = this.#take(chunk, at);
      at += taken;
      this.#offset += taken;
    }
  }

  /** The archive ends here; data-loss when it should not. */
  finish(): void {
    const between = this.#state === "padding" || (this.#state === "header" && this.#partialLength === 0);
    if ((between && !this.#hasExtension) || this.#state === "ended") return;
    const where = this.#header === undefined ? "" : ` in ${quoteByteString(this.#header.path)}`;
    throw malformedTar(`it is truncated at byte ${this.#offset}${where}`);
  }

  #take(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case "data":
        return this.#takeData(chunk, at);
      case "padding": {
        const length = Math.min(this.#padding, chunk.length - at);
        this.#padding -= length;
        if (this.#padding === 0) this.#state = "header";
        return length;
      }
      case "extension":
        return this.#takeExtension(chunk, at);
      default:
        return this.#takeBlock(chunk, at);
    }
  }

  #takeBlock(chunk: Buffer, at: number): number {
    if (this.#partialLength === 0) this.#blockStart = this.#offset;
    if (this.#partialLength === 0 && chunk.length - at >= tarBlockSize) {
      this.#onBlock(chunk.subarray(at, at + tarBlockSize));
      return tarBlockSize;
    }
    const length = Math.min(tarBlockSize - this.#partialLength, chunk.length - at);
    chunk.copy(this.#partial, this.#partialLength, at, at + length);
    this.#partialLength += length;
    if (this.#partialLength === tarBlockSize) {
      this.#partialLength = 0;
      this.#onBlock(this.#partial);
    }
    return length;
  }

  #onBlock(block: Buffer): void {
    if (this.#state === "old-sparse") {
      this.#oldSparse?.addExtension(block);
      if (this.#oldSparse?.isExtended !== true) this.#begin();
    } else if (this.#state === "leading-sparse") {
      if (this.#leadingSparse?.add(block) === true) this.#begin();
      else this.#checkLeadingSparse();
    } else {
      this.#onHeader(block);
    }
  }

  #onHeader(block: Buffer): void {
    const header = decodeTarHeader(block, this.#blockStart);
    if (header === undefined) {
      if (this.#hasExtension) throw malformedTar(`an extension header at byte ${this.#blockStart} has no entry`);
      if (++this.#zeroBlocks === 2) this.#state = "ended";
      return;
    }
    if (this.#zeroBlocks > 0) throw malformedTar(`there is a lone zero block before byte ${this.#blockStart}`);
    if ("xgLK".includes(header.typeFlag)) this.#beginExtension(header);
    else this.#beginEntry(header, block);
  }

  #beginExtension(header: TarHeader): void {
    if (header.size < 0 || header.size > maximumTarExtensionBytes) {
      throw refusedTar(
        `an extension header of ${header.size} bytes at byte ${this.#blockStart}, at most ${maximumTarExtensionBytes}`,
      );
    }
    this.#hasExtension = header.typeFlag !== "g" || this.#hasExtension;
    this.#extension = { typeFlag: header.typeFlag, body: Buffer.allocUnsafe(header.size), length: 0 };
    this.#padding = tarPaddingSize(header.size);
    this.#state = "extension";
    if (header.size === 0) this.#finishExtension();
  }

  #takeExtension(chunk: Buffer, at: number): number {
    const extension = this.#extension;
    const length = Math.min(extension.body.length - extension.length, chunk.length - at);
    chunk.copy(extension.body, extension.length, at, at + length);
    extension.length += length;
    if (extension.length === extension.body.length) this.#finishExtension();
    return length;
  }

  #finishExtension(): void {
    const { typeFlag, body } = this.#extension;
    if (typeFlag === "x") {
      parsePaxRecords(body, (key, value) => applyPaxRecord(this.#pax, key, value));
    } else if (typeFlag === "g") {
      parsePaxRecords(body, (key, value) => this.#onGlobalRecord(key, value));
    } else {
      const end = body.indexOf(0);
      const name = body.toString("latin1", 0, end < 0 ? body.length : end);
      if (typeFlag === "L") this.#pax.path = name;
      else this.#pax.linkTarget = name;
    }
    this.#state = this.#padding === 0 ? "header" : "padding";
  }

  #onGlobalRecord(key: string, value: Buffer): void {
    if (key === "uid" || key === "gid" || key === "mtime") {
      applyPaxRecord(this.#global, key, value);
    } else if (key === "path" || key === "linkpath" || key === "size" || key.startsWith("GNU.sparse.")) {
      throw refusedTar(`a global PAX header sets ${key} for every entry`);
    }
  }

  #beginEntry(header: TarHeader, block: Buffer): void {
    this.#header = header;
    if (header.typeFlag === "S") {
      this.#oldSparse = new OldGnuSparseMap(block);
      this.#state = "old-sparse";
      if (this.#oldSparse.isExtended) return;
    } else if (this.#pax.sparse?.major === "1" && kindByFlag[header.typeFlag] === "file") {
      this.#leadingSparse = new LeadingSparseMap();
      this.#state = "leading-sparse";
      this.#checkLeadingSparse();
      return;
    }
    this.#begin();
  }

  #checkLeadingSparse(): void {
    const next = ((this.#leadingSparse?.blocks ?? 0) + 1) * tarBlockSize;
    if (next > Math.min(this.#pax.size ?? this.#header?.size ?? 0, maximumTarExtensionBytes)) {
      throw malformedTar(`a sparse map at byte ${this.#offset} does not end within its entry`);
    }
  }

  /** Everything that says what the entry is has been read. */
  #begin(): void {
    const header = this.#header as TarHeader; // set by #beginEntry, the only way here
    const pax = this.#pax;
    const path = pax.sparse?.name ?? pax.path ?? header.path;
    const kind = entryKind(header, path);
    const stored = kind === "file" ? (pax.size ?? header.size) : 0;
    if (stored < 0) throw malformedTar(`the entry ${quoteByteString(path)} has a negative size`);
    this.#padding = tarPaddingSize(stored);
    this.#remaining = stored - (this.#leadingSparse?.blocks ?? 0) * tarBlockSize;
    const size = this.#readSparseMap(kind);
    const linkTarget = pax.linkTarget ?? header.linkTarget;
    if (Math.max(path.length, linkTarget.length) > maximumTarPathBytes) {
      throw refusedTar(
        `the name ${quoteByteString(path)} or its link target is longer than ${maximumTarPathBytes} bytes`,
      );
    }
    const mtime = pax.mtime ?? this.#global.mtime;
    const entry: TarEntry = {
      path,
      kind,
      mode: header.mode & 0o7777,
      uid: pax.uid ?? this.#global.uid ?? header.uid,
      gid: pax.gid ?? this.#global.gid ?? header.gid,
      size,
      mtimeSeconds: mtime?.seconds ?? header.mtime,
      mtimeNanoseconds: mtime?.nanoseconds ?? 0,
      linkTarget,
      deviceMajor: header.deviceMajor,
      deviceMinor: header.deviceMinor,
      xattrs: pax.xattrs ?? noXattrs,
      extents: this.#extents,
    };
    this.#pax = {};
    this.#hasExtension = false;
    this.#fileOffset = this.#extents?.[0]?.offset ?? 0;
    this.#extentIndex = 0;
    this.#visitor.entry(entry);
    if (this.#remaining === 0) this.#endEntry();
    else this.#state = "data";
  }

  /** Sets the extents of the current entry; the file's size with its holes. */
  #readSparseMap(kind: TarEntryKind): number {
    const sparse = this.#pax.sparse;
    const numbers = this.#oldSparse?.numbers ?? this.#leadingSparse?.numbers ?? sparse?.numbers;
    const realSize = this.#oldSparse?.realSize ?? sparse?.realSize;
    this.#oldSparse = undefined;
    this.#leadingSparse = undefined;
    this.#extents = undefined;
    if (kind !== "file" || numbers === undefined) return this.#remaining;
    if (realSize === undefined) throw malformedTar("a sparse file has no size");
    this.#extents = checkedExtents(numbers, realSize, this.#remaining);
    return realSize;
  }

  #takeData(chunk: Buffer, at: number): number {
    const extent = this.#extents?.[this.#extentIndex];
    const inExtent = extent === undefined ? this.#remaining : extent.offset + extent.length - this.#fileOffset;
    const length = Math.min(inExtent, this.#remaining, chunk.length - at);
    this.#visitor.data(chunk.subarray(at, at + length), this.#fileOffset);
    this.#remaining -= length;
    this.#fileOffset += length;
    if (extent !== undefined && length === inExtent) {
      this.#extentIndex++;
      this.#fileOffset = this.#extents?.[this.#extentIndex]?.offset ?? this.#fileOffset;
    }
    if (this.#remaining === 0) this.#endEntry();
    return length;
  }

  #endEntry(): void {
    this.#header = undefined;
    this.#state = this.#padding === 0 ? "header" : "padding";
    this.#visitor.end();
  }
}

function entryKind(header: TarHeader, path: string): TarEntryKind {
  const kind = kindByFlag[header.typeFlag];
  if (kind === undefined) {
    throw refusedTar(`the entry ${quoteByteString(path)} has the unknown type ${JSON.stringify(header.typeFlag)}`);
  }
  // V7 had no type for directories; a name that ends in a slash was one.
  return header.typeFlag === "0" && path.endsWith("/") ? "directory" : kind;
}
