export { type AttemptFolder, attemptFolder, createFolders } from './attempt-folder.ts';
export { findData, findSecret, findTask, keepData, readBirth } from './read-folder.ts';
export { DamagedDownload, receiveFile } from './receive-file.ts';
export { makeDurable, replaceFile } from './write-file.ts';
