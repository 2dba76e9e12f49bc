PRAGMA application_id = 1347570003;
PRAGMA user_version = 5;
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0005');
CREATE TABLE answer (
	trial_id INTEGER NOT NULL, 
	attribute_id INTEGER NOT NULL, 
	value INTEGER, 
	raw FLOAT, 
	skip_reason TEXT, 
	onset FLOAT, 
	seconds FLOAT, 
	strength INTEGER, 
	PRIMARY KEY (trial_id, attribute_id), 
	FOREIGN KEY(trial_id) REFERENCES trial (id), 
	FOREIGN KEY(attribute_id) REFERENCES attribute (id)
)
 WITHOUT ROWID

;
INSERT INTO "answer" VALUES(1,1,1,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "answer" VALUES(1,2,0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "answer" VALUES(2,2,-1,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "answer" VALUES(3,1,1,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "answer" VALUES(3,2,0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "answer" VALUES(5,2,4,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "answer" VALUES(6,1,1,NULL,NULL,2000.5,1.5,2);
INSERT INTO "answer" VALUES(6,2,NULL,NULL,'I cannot judge this',2002.25,1.75,NULL);
INSERT INTO "answer" VALUES(7,3,4,6.5,NULL,NULL,NULL,NULL);
CREATE TABLE attribute (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	question TEXT NOT NULL, 
	scale_labels TEXT NOT NULL, 
	templates TEXT NOT NULL, 
	import_id INTEGER, confirmed INTEGER NOT NULL DEFAULT 1, 
	PRIMARY KEY (id), 
	UNIQUE (name), 
	FOREIGN KEY(import_id) REFERENCES import (id)
);
INSERT INTO "attribute" VALUES(1,'attractive','How attractive does this person look?','["very low", "low", "high", "very high"]','["{}", "a {} person", "this person looks {}", "this person is {}", "this person appears {}"]',NULL,1);
INSERT INTO "attribute" VALUES(2,'smart','How smart does this person look?','["very low", "low", "high", "very high"]','["{}", "a {} person", "this person looks {}", "this person is {}", "this person appears {}"]',NULL,1);
INSERT INTO "attribute" VALUES(3,'guessed','How guessed does this person look?','["very low", "low", "high", "very high"]','["{}", "a {} person", "this person looks {}", "this person is {}", "this person appears {}"]',1,0);
CREATE TABLE fact (
	owner_kind VARCHAR NOT NULL, 
	owner_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	import_id INTEGER NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (owner_kind, owner_id, name, import_id), 
	FOREIGN KEY(import_id) REFERENCES import (id)
)
 WITHOUT ROWID

;
INSERT INTO "fact" VALUES('image',1,'age',1,'44');
INSERT INTO "fact" VALUES('rater',1,'age',1,'31');
CREATE TABLE import (
	id INTEGER NOT NULL, 
	uid VARCHAR(32) NOT NULL, 
	source TEXT NOT NULL, 
	format VARCHAR NOT NULL, 
	created FLOAT NOT NULL, 
	undone FLOAT, 
	report TEXT NOT NULL, dismissed TEXT NOT NULL DEFAULT '[]', 
	PRIMARY KEY (id), 
	UNIQUE (uid)
);
INSERT INTO "import" VALUES(1,'77777777777777777777777777777777','t.csv','csv',1.79590261475320553778e+09,NULL,'{"id": "77777777777777777777777777777777", "source": "t.csv", "format": "csv", "rows_read": 5, "rows_kept": 4, "refused": [], "duplicates": 0, "mapping": {}, "notices": [], "doubts": [{"kind": "scale", "text": "Two.", "table": "t.csv", "column": "guessed", "rows": [3, 5], "count": 2}, {"kind": "time", "text": "Three.", "table": "", "column": "", "rows": [], "count": 0}], "recipe": "scale = \"1-7\"\n"}','[1]');
CREATE TABLE labeler (
	id INTEGER NOT NULL, 
	code VARCHAR NOT NULL, 
	display_name TEXT NOT NULL, 
	profile TEXT NOT NULL, 
	simulated INTEGER NOT NULL, 
	import_id INTEGER, 
	PRIMARY KEY (id), 
	UNIQUE (code), 
	FOREIGN KEY(import_id) REFERENCES import (id)
);
INSERT INTO "labeler" VALUES(1,'L1','First','A profile.',0,NULL);
INSERT INTO "labeler" VALUES(2,'L2','','',1,NULL);
CREATE TABLE meta (
	"key" VARCHAR NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('id','c12a90baae01484b841362a3edbdf612');
INSERT INTO "meta" VALUES('name','Old study');
INSERT INTO "meta" VALUES('created','1795902614.1185477');
INSERT INTO "meta" VALUES('revision','15');
INSERT INTO "meta" VALUES('made_on','vm');
INSERT INTO "meta" VALUES('made_by','0.1.0');
INSERT INTO "meta" VALUES('target/comparison','90');
CREATE TABLE pending (
	labeler_id INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	left_id INTEGER NOT NULL, 
	right_id INTEGER, 
	answers TEXT NOT NULL, dropped_frames INTEGER, flags TEXT, 
	PRIMARY KEY (labeler_id, kind), 
	FOREIGN KEY(labeler_id) REFERENCES labeler (id) ON DELETE CASCADE, 
	FOREIGN KEY(left_id) REFERENCES stimulus (id) ON DELETE CASCADE, 
	FOREIGN KEY(right_id) REFERENCES stimulus (id) ON DELETE CASCADE
);
INSERT INTO "pending" VALUES(1,'comparison',3,4,'{"smart": {"value": "tie", "onset": 3000.0, "seconds": 0.75}}',1,NULL);
CREATE TABLE protocol (
	id INTEGER NOT NULL, 
	uid VARCHAR(32) NOT NULL, 
	version INTEGER NOT NULL, 
	created FLOAT NOT NULL, 
	text TEXT NOT NULL, 
	checksum BLOB, 
	PRIMARY KEY (id), 
	UNIQUE (uid), 
	UNIQUE (version)
);
CREATE TABLE session (
	id INTEGER NOT NULL, 
	uid VARCHAR NOT NULL, 
	labeler_id INTEGER NOT NULL, 
	import_id INTEGER, started FLOAT, ended FLOAT, protocol_id INTEGER REFERENCES protocol (id), timing TEXT, checksum BLOB, 
	PRIMARY KEY (id), 
	UNIQUE (uid), 
	FOREIGN KEY(labeler_id) REFERENCES labeler (id), 
	FOREIGN KEY(import_id) REFERENCES import (id)
);
INSERT INTO "session" VALUES(1,'s1',1,NULL,1000.5,NULL,NULL,NULL,X'3696E3A0D03C0ACC');
INSERT INTO "session" VALUES(2,'s2',2,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "session" VALUES(3,'s4',1,NULL,2000.5,NULL,NULL,NULL,X'B5882E68CFB90460');
INSERT INTO "session" VALUES(4,'s3',1,1,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE stimulus (
	id INTEGER NOT NULL, 
	kind VARCHAR DEFAULT 'image' NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	path TEXT NOT NULL, 
	copied INTEGER NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	bytes INTEGER, 
	modified FLOAT, 
	fold INTEGER NOT NULL, 
	import_id INTEGER, 
	PRIMARY KEY (id), 
	UNIQUE (sha256), 
	UNIQUE (name), 
	FOREIGN KEY(import_id) REFERENCES import (id)
);
INSERT INTO "stimulus" VALUES(1,'image','0000000000000000000000000000000000000000000000000000000000000001','0.jpg','/faces/0.jpg',0,64,48,NULL,NULL,0,NULL);
INSERT INTO "stimulus" VALUES(2,'image','0000000000000000000000000000000000000000000000000000000000000002','1.jpg','/faces/1.jpg',0,64,48,NULL,NULL,1,NULL);
INSERT INTO "stimulus" VALUES(3,'image','0000000000000000000000000000000000000000000000000000000000000003','2.jpg','/faces/2.jpg',0,64,48,NULL,NULL,2,NULL);
INSERT INTO "stimulus" VALUES(4,'image','0000000000000000000000000000000000000000000000000000000000000004','3.jpg','/faces/3.jpg',0,64,48,NULL,NULL,3,NULL);
CREATE TABLE trial (
	id INTEGER NOT NULL, 
	uid VARCHAR(32) NOT NULL, 
	labeler_id INTEGER NOT NULL, 
	session_id INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	left_id INTEGER NOT NULL, 
	right_id INTEGER, 
	onset FLOAT, 
	seconds FLOAT, 
	skipped INTEGER NOT NULL, 
	skip_reason TEXT, 
	withdrawn INTEGER NOT NULL, 
	supersedes_id INTEGER, 
	repeat_of_id INTEGER, 
	source VARCHAR NOT NULL, 
	probability FLOAT, 
	recorded FLOAT NOT NULL, 
	import_id INTEGER, dropped_frames INTEGER, checksum BLOB, flags TEXT, block TEXT, strategy TEXT, 
	PRIMARY KEY (id), 
	UNIQUE (uid), 
	FOREIGN KEY(labeler_id) REFERENCES labeler (id), 
	FOREIGN KEY(session_id) REFERENCES session (id), 
	FOREIGN KEY(left_id) REFERENCES stimulus (id), 
	FOREIGN KEY(right_id) REFERENCES stimulus (id), 
	FOREIGN KEY(supersedes_id) REFERENCES trial (id), 
	FOREIGN KEY(repeat_of_id) REFERENCES trial (id), 
	FOREIGN KEY(import_id) REFERENCES import (id)
);
INSERT INTO "trial" VALUES(1,'11111111111111111111111111111111',1,1,0,'comparison',1,2,1000.5,1.25,0,NULL,0,NULL,NULL,'labeled',NULL,1.79590261463295125963e+09,NULL,1,X'6D722690C4B89E40',NULL,NULL,NULL);
INSERT INTO "trial" VALUES(2,'22222222222222222222222222222222',1,1,1,'comparison',1,2,NULL,NULL,0,NULL,0,1,NULL,'labeled',NULL,1.79590261466253805155e+09,NULL,NULL,X'84F3CC985549CD62',NULL,NULL,NULL);
INSERT INTO "trial" VALUES(3,'33333333333333333333333333333333',1,1,2,'comparison',2,1,NULL,NULL,0,NULL,0,NULL,2,'labeled',NULL,1.79590261467372345931e+09,NULL,NULL,X'7BFF4BE38F408450',NULL,NULL,NULL);
INSERT INTO "trial" VALUES(4,'44444444444444444444444444444444',1,1,3,'rating',3,NULL,NULL,NULL,1,'I know this person',0,NULL,NULL,'labeled',NULL,1.79590261467372345931e+09,NULL,NULL,X'EA36E7BFA7264679',NULL,NULL,NULL);
INSERT INTO "trial" VALUES(5,'55555555555555555555555555555555',2,2,0,'rating',4,NULL,NULL,NULL,0,NULL,1,NULL,NULL,'simulated',NULL,1.79590261467372345931e+09,NULL,NULL,X'EDBDA331DA7353C5',NULL,NULL,NULL);
INSERT INTO "trial" VALUES(6,'88888888888888888888888888888888',1,3,0,'comparison',2,3,2000.5,3.5,0,NULL,0,NULL,NULL,'labeled',NULL,1.79590261467372345931e+09,NULL,0,X'2355805B1F672D7C','["left", "interrupted"]','main','random');
INSERT INTO "trial" VALUES(7,'66666666666666666666666666666666',1,4,0,'rating',1,NULL,NULL,NULL,0,NULL,0,NULL,NULL,'imported',NULL,1.79590261479932308203e+09,1,NULL,X'15E70D0732B31B61',NULL,NULL,NULL);
CREATE TABLE trial_event (
	id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	event VARCHAR NOT NULL, 
	at FLOAT NOT NULL, checksum BLOB, 
	PRIMARY KEY (id), 
	FOREIGN KEY(trial_id) REFERENCES trial (id)
);
INSERT INTO "trial_event" VALUES(1,5,'withdrawn',1.79590261469003820418e+09,X'C34C7F19B41C3BE7');
CREATE INDEX ix_session_labeler_id ON session (labeler_id);
CREATE INDEX ix_trial_event_trial_id ON trial_event (trial_id);
CREATE INDEX trial_labeler ON trial (labeler_id, kind);
CREATE INDEX trial_left ON trial (left_id);
CREATE INDEX trial_right ON trial (right_id);
CREATE INDEX trial_import ON trial (import_id) WHERE import_id IS NOT NULL;
CREATE INDEX trial_repeat ON trial (repeat_of_id) WHERE repeat_of_id IS NOT NULL;
CREATE INDEX trial_supersedes ON trial (supersedes_id) WHERE supersedes_id IS NOT NULL;
CREATE UNIQUE INDEX trial_supersedes_live ON trial (supersedes_id) WHERE supersedes_id IS NOT NULL AND withdrawn = 0;
CREATE TRIGGER trial_kept BEFORE DELETE ON trial WHEN OLD.import_id IS NULL BEGIN SELECT RAISE(ABORT, 'trials are append-only'); END;
CREATE INDEX ix_fact_import_id ON fact (import_id);
CREATE TRIGGER trial_checksum_fixed BEFORE UPDATE OF checksum ON trial WHEN OLD.import_id IS NULL BEGIN SELECT RAISE(ABORT, 'trials are append-only'); END;
CREATE TRIGGER trial_event_fixed BEFORE UPDATE ON trial_event BEGIN SELECT RAISE(ABORT, 'trials are append-only'); END;
CREATE TRIGGER trial_event_kept BEFORE DELETE ON trial_event WHEN (SELECT import_id FROM trial WHERE id = OLD.trial_id) IS NULL BEGIN SELECT RAISE(ABORT, 'trials are append-only'); END;
CREATE TRIGGER trial_fixed BEFORE UPDATE OF id, uid, labeler_id, session_id, place, kind, left_id, right_id, onset, seconds, skipped, skip_reason, supersedes_id, repeat_of_id, source, probability, recorded, import_id, dropped_frames, flags, block, strategy ON trial BEGIN SELECT RAISE(ABORT, 'trials are append-only'); END;
CREATE TRIGGER answer_fixed BEFORE UPDATE ON answer BEGIN SELECT RAISE(ABORT, 'trials are append-only'); END;
CREATE TRIGGER answer_kept BEFORE DELETE ON answer WHEN (SELECT import_id FROM trial WHERE id = OLD.trial_id) IS NULL BEGIN SELECT RAISE(ABORT, 'trials are append-only'); END;
CREATE TRIGGER protocol_fixed BEFORE UPDATE ON protocol BEGIN SELECT RAISE(ABORT, 'protocols are append-only'); END;
CREATE TRIGGER protocol_kept BEFORE DELETE ON protocol BEGIN SELECT RAISE(ABORT, 'protocols are append-only'); END;
COMMIT;
