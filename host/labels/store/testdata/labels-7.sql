-- A label database of format 7: two domains that were labelled and are pinned, under a profile
-- model and a model of entries.
PRAGMA page_size=1024;
PRAGMA journal_mode=WAL;
BEGIN TRANSACTION;
CREATE TABLE meta(seeded INTEGER NOT NULL) STRICT;
INSERT INTO meta VALUES(0);
CREATE TABLE restored(time INTEGER PRIMARY KEY, objects INTEGER NOT NULL) STRICT;
CREATE TABLE owner(
  id INTEGER PRIMARY KEY,
  uuid TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  virt_type TEXT NOT NULL,
  pinned INTEGER NOT NULL DEFAULT 0,
  handover INTEGER NOT NULL DEFAULT 0,
  foreign_space INTEGER,
  work_kind INTEGER,
  work_id INTEGER,
  work_boot TEXT,
  work_pid INTEGER,
  work_start INTEGER
) STRICT;
INSERT INTO owner VALUES(1,'6b1f3a52-9c1d-4c7e-8a5e-0d2f6b7c8d91','web','qemu',1,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO owner VALUES(2,'0a9b8c7d-6e5f-4a3b-8c1d-2e3f4a5b6c7d','db','qemu',1,0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE holder(
  owner INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  pid INTEGER NOT NULL,
  start_time INTEGER NOT NULL,
  provisional INTEGER NOT NULL,
  PRIMARY KEY(owner, boot_id, pid, start_time)
) STRICT, WITHOUT ROWID;
CREATE TABLE label(
  owner INTEGER NOT NULL,
  model TEXT NOT NULL,
  doi TEXT NOT NULL,
  type INTEGER NOT NULL,
  number INTEGER,
  label TEXT NOT NULL,
  image_label TEXT NOT NULL,
  PRIMARY KEY(owner, model)
) STRICT, WITHOUT ROWID;
INSERT INTO label VALUES(1,'dac','',1,2100024857,'+2100024857:+2100024857','+2100024857:+2100024857');
INSERT INTO label VALUES(1,'landlock','',1,NULL,'landlock:6b1f3a52-9c1d-4c7e-8a5e-0d2f6b7c8d91:548df700e85cb8c6','');
INSERT INTO label VALUES(2,'dac','',1,2100024858,'+2100024858:+2100024858','+2100024858:+2100024858');
INSERT INTO label VALUES(2,'landlock','',1,NULL,'landlock:0a9b8c7d-6e5f-4a3b-8c1d-2e3f4a5b6c7d:7948dda2a4bd6a41','');
CREATE TABLE space(
  id INTEGER PRIMARY KEY,
  model TEXT NOT NULL,
  doi TEXT NOT NULL,
  cursor INTEGER,
  UNIQUE(model, doi)
) STRICT;
INSERT INTO space VALUES(1,'dac','',2100024859);
CREATE TABLE free(
  space INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY(space, first)
) STRICT, WITHOUT ROWID;
INSERT INTO free VALUES(1,0,2100024856);
INSERT INTO free VALUES(1,2100024859,4611686018427387903);
CREATE TABLE taken(
  space INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  owner INTEGER NOT NULL,
  PRIMARY KEY(space, first)
) STRICT, WITHOUT ROWID;
INSERT INTO taken VALUES(1,2100024857,2100024857,1);
INSERT INTO taken VALUES(1,2100024858,2100024858,2);
CREATE TABLE boot(id INTEGER PRIMARY KEY, boot_id TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO boot VALUES(1,'00000000-1111-4222-8333-444444444444');
CREATE TABLE use(
  owner INTEGER NOT NULL,
  number INTEGER NOT NULL,
  model TEXT NOT NULL,
  path TEXT NOT NULL,
  dev INTEGER NOT NULL,
  ino INTEGER NOT NULL,
  btime INTEGER NOT NULL,
  boot INTEGER NOT NULL,
  old_state INTEGER NOT NULL,
  old_label TEXT NOT NULL,
  label TEXT NOT NULL,
  earlier_label TEXT,
  exclusive INTEGER NOT NULL,
  keep INTEGER NOT NULL,
  away INTEGER NOT NULL,
  extent INTEGER NOT NULL,
  marked INTEGER NOT NULL,
  work INTEGER,
  PRIMARY KEY(owner, number)
) STRICT, WITHOUT ROWID;
INSERT INTO use VALUES(1,1,'landlock','/var/lib/libvirt/images/web.img',65024,1286217,1796032446349666332,1,2,'','',NULL,1,0,0,0,0,NULL);
INSERT INTO use VALUES(1,2,'dac','/var/lib/libvirt/images/web.img',65024,1286217,1796032446349666332,1,0,'+0:+0','+2100024857:+2100024857',NULL,1,0,0,0,0,NULL);
INSERT INTO use VALUES(1,3,'dac','/var/lib/libvirt/images/shared.img',65024,1286215,1796032446336805873,1,1,'','+2100024857:rw-',NULL,0,0,0,3,0,NULL);
INSERT INTO use VALUES(2,1,'landlock','/var/lib/libvirt/images/db.img',65024,1286219,1796032446361696951,1,2,'','',NULL,1,0,0,0,0,NULL);
INSERT INTO use VALUES(2,2,'dac','/var/lib/libvirt/images/db.img',65024,1286219,1796032446361696951,1,0,'+0:+0','+2100024858:+2100024858',NULL,1,0,0,0,0,NULL);
INSERT INTO use VALUES(2,3,'dac','/var/lib/libvirt/images/shared.img',65024,1286215,1796032446336805873,1,1,'','+2100024858:rw-',NULL,0,0,0,3,0,NULL);
CREATE INDEX owner_foreign ON owner(foreign_space) WHERE foreign_space IS NOT NULL;
CREATE INDEX label_text ON label(label);
CREATE INDEX label_image ON label(image_label);
CREATE INDEX taken_owner ON taken(owner);
CREATE INDEX use_identity ON use(ino, btime);
COMMIT;
PRAGMA application_id=1935043682;
PRAGMA user_version=7;
