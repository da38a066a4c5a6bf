-- Creates the users of users.json that are missing, and changes passwords that
-- are others there. It prints the login of each user. psql runs it with the
-- variable grace; it can be run again at any time.
--
-- A PostgreSQL user has one password. For two to be valid while programs go from
-- one to the other, each user NAME has two logins: NAME_1 and NAME_2, which act as
-- NAME. A new password is that of the login that is not in use; the password of
-- the other one expires after the grace.

SET client_min_messages = warning;
-- No password goes to the server's log.
SET log_statement = none;
SET log_min_duration_statement = -1;
SET log_min_error_statement = panic;

\set users `cat users.json`
CREATE TEMPORARY TABLE wanted AS
	SELECT name, password, sha256(convert_to(password, 'UTF8')) AS digest, now() + :'grace'::interval AS grace
	FROM json_each_text(:'users') AS users(name, password);

BEGIN;
CREATE TABLE IF NOT EXISTS logins (name text PRIMARY KEY, login text NOT NULL, digest bytea NOT NULL);
LOCK TABLE logins;

-- format quotes what comes from Consul: %I a name, %L a value.
DO $$
DECLARE
	u wanted;
	old text; -- the login in use
	new text;
BEGIN
	FOR u IN SELECT * FROM wanted ORDER BY name LOOP
		SELECT login INTO old FROM logins WHERE name = u.name;
		CONTINUE WHEN EXISTS (SELECT FROM logins WHERE name = u.name AND digest = u.digest);

		IF old IS NULL THEN
			EXECUTE format('CREATE ROLE %I NOLOGIN', u.name);
			FOR i IN 1..2 LOOP
				new := u.name || '_' || i;
				EXECUTE format('CREATE ROLE %I LOGIN IN ROLE %I', new, u.name);
				EXECUTE format('ALTER ROLE %I SET role = %I', new, u.name);
			END LOOP;
			new := u.name || '_1';
		ELSE
			new := CASE old WHEN u.name || '_1' THEN u.name || '_2' ELSE u.name || '_1' END;
			IF EXISTS (SELECT FROM pg_roles WHERE rolname = new AND rolvaliduntil BETWEEN now() AND 'infinity') THEN
				RAISE 'the password of % has just been changed: % may still be in use', u.name, new
					USING HINT = 'This succeeds when the grace is over.';
			END IF;
			EXECUTE format('ALTER ROLE %I VALID UNTIL %L', old, u.grace);
		END IF;
		EXECUTE format('ALTER ROLE %I PASSWORD %L VALID UNTIL %L', new, u.password, 'infinity');
		INSERT INTO logins VALUES (u.name, new, u.digest)
			ON CONFLICT (name) DO UPDATE SET login = new, digest = u.digest;
	END LOOP;
END $$;
COMMIT;

-- Each user owns a database of that name. This cannot be in a transaction.
SELECT format('CREATE DATABASE %I OWNER %I', name, name) FROM wanted
	WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name) \gexec

SELECT name, json_build_object('user', login, 'password', password) FROM wanted JOIN logins USING (name);
