PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE _jean_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO _jean_migrations VALUES(1,'first','2026-11-25 02:53:47',1,X'd38b7dd843fcef2bb83459fee9fe76283ea581245917318bbc1cdb6c5ce7ef67acf2e464cb445bd92c09603e0cf1224d',3779269);
INSERT INTO _jean_migrations VALUES(2,'clients','2026-11-25 02:53:47',1,X'92df3f4b643d7035f264020280f0748d905c54161e17e4ce28a12d344e93cb95164222285d32098bc89f17512ff1341c',1994421);
INSERT INTO _jean_migrations VALUES(3,'key purpose','2026-11-25 02:53:47',1,X'b2b175a8aaedd9bb6d74defa28b1e61f4956776fc9775785b625833a64d9df59bb1cdae34d2d0631c44e98886d550807',992232);
INSERT INTO _jean_migrations VALUES(4,'journeys and people','2026-11-25 02:53:47',1,X'0f5a5e24ea1e62851ad4f25a8bc58b838a6133bb784f4f9effdbdc169f304b2f62b22aa7118fded50c90fb61b1fec252',2996221);
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
INSERT INTO meta VALUES('canary','Qca7MIkw.jcibdWktBQmLBcGX.3ujjO4u7xdmcW09OKnCs5lFUwrzytA');
INSERT INTO meta VALUES('signed_lifetimes','3600 0 0');
INSERT INTO meta VALUES('last_time','1800000000');
CREATE TABLE clients (
    id          TEXT NOT NULL PRIMARY KEY,
    metadata    TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
, origin TEXT NOT NULL DEFAULT 'registered', registration_hash TEXT NOT NULL DEFAULT '', grant_ended_at BIGINT NOT NULL DEFAULT 0, gone_at BIGINT NOT NULL DEFAULT 0);
INSERT INTO clients VALUES('jci_fk5IRmWbvsn0NCxUthBp8Q','{"redirect_uris":["https://client.example/callback"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"application_type":"web","client_name":"Scripted client"}','',1800000000,1800000000,'registered','CyPNM4NCGvXCkyCN5Bl9znE0QpgZEDhLjERL55yDykE',1800000000,0);
CREATE TABLE people (
    id             TEXT NOT NULL PRIMARY KEY,
    issuer         TEXT NOT NULL,
    sub            TEXT NOT NULL,
    email          TEXT NOT NULL,
    email_verified BIGINT NOT NULL,
    name           TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    seen_at        BIGINT NOT NULL, claims TEXT NOT NULL DEFAULT '',
    UNIQUE (issuer, sub)
);
INSERT INTO people VALUES('u_sq44nnnscyibon5xi5n5bhifu7','http://127.0.0.1:48081','ada-lovelace','ada-lovelace@example.com',1,'Ada Lovelace',1800000000,1800000000,'{}');
INSERT INTO people VALUES('u_edeokk424ui73cdvnjtto33ja6','http://127.0.0.1:48081','grace-hopper','grace-hopper@example.com',1,'Grace Hopper',1800000000,1800000000,'{}');
CREATE TABLE sign_ins (
    id           BIGINT NOT NULL PRIMARY KEY,
    person       TEXT NOT NULL,
    upstream     TEXT NOT NULL,
    upstream_sid TEXT NOT NULL,
    auth_time    BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    ended_at     BIGINT NOT NULL
);
INSERT INTO sign_ins VALUES(276211065980762477,'u_sq44nnnscyibon5xi5n5bhifu7','idp','',1800000000,1800000000,1800028800,0);
INSERT INTO sign_ins VALUES(276211066007335576,'u_edeokk424ui73cdvnjtto33ja6','idp','',1800000000,1800000000,1800028800,0);
CREATE TABLE logins (
    id          BIGINT NOT NULL PRIMARY KEY,
    stage       TEXT NOT NULL,
    request     TEXT NOT NULL,
    client      TEXT NOT NULL,
    upstream    TEXT NOT NULL,
    attempt     BIGINT NOT NULL,
    state_hash  TEXT NOT NULL,
    cookie_hash TEXT NOT NULL,
    notice      TEXT NOT NULL,
    claimed_at  BIGINT NOT NULL,
    sign_in     BIGINT NOT NULL,
    grant_id    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
, purpose TEXT NOT NULL DEFAULT '', max_age BIGINT NOT NULL DEFAULT -1, prompt TEXT NOT NULL DEFAULT '');
INSERT INTO logins VALUES(276211067520770613,'answered','client_id=jci_fk5IRmWbvsn0NCxUthBp8Q&code_challenge=45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw&code_challenge_method=S256&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback&response_type=code&state=stored-state','jci_fk5IRmWbvsn0NCxUthBp8Q','idp',0,'','uEs7KmIiEXfyGzQ3ltPHSufgsiafL7MppmoUTjkZ2oE','',1800000000,276211065980762477,276211066230074694,1800000000,1800001800,'authorize',-1,'');
INSERT INTO logins VALUES(276211065808252790,'allowed','client_id=jci_fk5IRmWbvsn0NCxUthBp8Q&code_challenge=45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw&code_challenge_method=S256&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback&response_type=code&state=stored-state','jci_fk5IRmWbvsn0NCxUthBp8Q','live',0,'OPvRqsxdYNG11I5dMxqXULrndhzjXXgz146XIBMEZaI','rhcJTVsG7MHjBP3VayArR0PKY1mtCU67veGSClx4yVw','',0,0,0,1800000000,1800001800,'authorize',-1,'');
INSERT INTO logins VALUES(276211067188180885,'identified','client_id=jci_fk5IRmWbvsn0NCxUthBp8Q&code_challenge=45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw&code_challenge_method=S256&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback&response_type=code&state=stored-state','jci_fk5IRmWbvsn0NCxUthBp8Q','idp',0,'','h-VnhadE3c7igqsaPLguXaSklaSm5nYwQcZdB4m5VlM','',1800000000,276211066007335576,0,1800000000,1800001800,'authorize',-1,'');
CREATE TABLE grants (
    id              BIGINT NOT NULL PRIMARY KEY,
    kind            TEXT NOT NULL,
    person          TEXT NOT NULL,
    sign_in         BIGINT NOT NULL,
    client          TEXT NOT NULL,
    resources       TEXT NOT NULL,
    scopes          TEXT NOT NULL,
    nonce           TEXT NOT NULL,
    auth_time       BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    code_hash       TEXT NOT NULL,
    code_challenge  TEXT NOT NULL,
    redirect_uri    TEXT NOT NULL,
    code_expires_at BIGINT NOT NULL,
    redeemed_at     BIGINT NOT NULL,
    tag_hash        TEXT NOT NULL,
    rt_hash         TEXT NOT NULL,
    rt_prev         TEXT NOT NULL,
    rt_salt         TEXT NOT NULL,
    rt_gen          BIGINT NOT NULL,
    rt_at           BIGINT NOT NULL,
    rt_expires_at   BIGINT NOT NULL,
    bound_key       TEXT NOT NULL,
    access_until    BIGINT NOT NULL,
    revoked_at      BIGINT NOT NULL,
    revoked_why     TEXT NOT NULL
, upstream TEXT NOT NULL DEFAULT '', upstream_sid TEXT NOT NULL DEFAULT '');
INSERT INTO grants VALUES(276211066230074694,'code','u_sq44nnnscyibon5xi5n5bhifu7',276211065980762477,'jci_fk5IRmWbvsn0NCxUthBp8Q','http://localhost:8080/mcp','read','',1800000000,1800000000,1831536000,'c7axs8IazEYcU1PGpGliyew_jZ3VZLiFDBWrYANRtIY','45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw','https://client.example/callback',1800000060,1800000000,'8FI8Lsx95TkXqItx_vUig1frO2xtnjlvpweklK0L5Jc','3FQpLq-rhtW3xWgC3DSPwH3BVAcNNcbnwoEsdy0xaYs','','',1,1800000000,1802592000,'',1800003780,0,'','idp','');
INSERT INTO grants VALUES(276211065948432814,'code','u_sq44nnnscyibon5xi5n5bhifu7',276211065980762477,'jci_fk5IRmWbvsn0NCxUthBp8Q','http://localhost:8080/mcp','read','',1800000000,1800000000,1831536000,'bT2RQ2guddX2oCdYmUGBI788aiOBdaKo55Oljf9ZBGU','45VmfmvpJ-ChE7YbpsaZr8F1nZs7kK_K98ebF-JxIDw','https://client.example/callback',1800000060,0,'','','','',0,0,0,'',0,0,'','idp','');
CREATE TABLE consents (
    person         TEXT NOT NULL,
    client         TEXT NOT NULL,
    redirect_uri   TEXT NOT NULL,
    resource       TEXT NOT NULL,
    scopes         TEXT NOT NULL,
    client_version TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    used_at        BIGINT NOT NULL,
    PRIMARY KEY (person, client, redirect_uri, resource)
);
INSERT INTO consents VALUES('u_sq44nnnscyibon5xi5n5bhifu7','jci_fk5IRmWbvsn0NCxUthBp8Q','https://client.example/callback','http://localhost:8080/mcp','read','gA6NPKLUgndSfMJi0br3R3pPXwvBL7BkpnGIcX37k5U',1800000000,1800000000);
CREATE TABLE sessions (
    id_hash    TEXT NOT NULL PRIMARY KEY,
    data       TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
INSERT INTO sessions VALUES('oLaUgvNBOqjfNk-bVkDO23wm11EwH5XbdfA5nh3ei20','{"sign_in":"23jonfzak4fh"}',1800028800);
INSERT INTO sessions VALUES('JU5irme8OQ-WZWMBkD_g0I3p8MU8yowpE4tMotAZIuc','{"sign_in":"23jonfzqdod4"}',1800028800);
CREATE TABLE signing_keys (
    alg        TEXT NOT NULL,
    slot       BIGINT NOT NULL,
    kid        TEXT NOT NULL UNIQUE,
    public_jwk TEXT NOT NULL,
    sealed     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    sign_from  BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL, purpose TEXT NOT NULL DEFAULT 'access',
    PRIMARY KEY (alg, slot)
);
INSERT INTO signing_keys VALUES('ES256',0,'vMQ1UfjBD5Bc3wAoekW4mioMOL_3s_sUfYSBuhy6fP4','{"alg":"ES256","crv":"P-256","kid":"vMQ1UfjBD5Bc3wAoekW4mioMOL_3s_sUfYSBuhy6fP4","kty":"EC","use":"sig","x":"YR30fnBWStb3pk-4skLIJM0DSb7et6orSFX2jM0rwfU","y":"TdDUCbw7BKvInvhuvGp7H763Qwg5Acshe-QZ0d7dPnQ"}','Qca7MIkw.mLPBmMc_EwsRYvIG.62KiCp6irm533k5xwr3EECwOTcI1WLf4O1Q_Uao4lsD3kWL9Si_VGO5f0onJw758lvL9dtst48BZKa5n3vQOsJXwmgrCrUrXK1VQRB4F2GoorBt9gqcWTc5CdRvIq65Ao4kOD3y0fFtYJEWAClgQ0LUeEGqPMabmqzJx9K_E9J50MEDWIRmkl8NSfU__HXOA16XmkkXzCj158A',1800000000,1800000000,0,'access');
INSERT INTO signing_keys VALUES('RS256',0,'s0QJ0JT4DOCGMcoXj04jy_QZAjsaA3O0X459jZnK_10','{"alg":"RS256","e":"AQAB","kid":"s0QJ0JT4DOCGMcoXj04jy_QZAjsaA3O0X459jZnK_10","kty":"RSA","n":"uBALtetw3DU9XqXOmu-w6mCYpBi1IV8WnpqVS_Isg8CKGTu9JdoAgaX53ivWMEqIhlo7xvWjdyjXtx6HSrdgoO5yH0-NbTWC7z3Mbek6UuIBD9hu94uroqLtdu6wQNLBFa3WlHiDSd3cdjMF7OaIjhuo35M9ONXMsn-dvMb2oPcS7FFZyH0-NN6PzvhV1kNkQlz4L5wtx02xnNR7AZ1GRI8gJ9iQZX79Fkc4JyaS6fypUrEypjPpPtrcE68DAAM7b1WLwl4iwb9nsXwVNpRJakMh-nAbeXX6GOmHSnt7b3-cCAPwTa5yaMww5syO2N1eoPqjPHl2fQZhXyxwGRqhYQ","use":"sig"}','Qca7MIkw.RHMjEQVa2HfeCgWo.jRtPS8sIKn7JsBZFzT2FaEikOpGNfFa8t72K4O8jgiLO-e-jfZHDyaoKw71apUZF8y8PGdI5xfbaxcZ7KISM4Qltr8FfB7WYX24dBCBZrwLvhGU8EHYFAdaQbaRlGSQU7wvqOu_ivQ9RFim1T-sX1LKLf9kYRvmiOi8jH4ISvdm0XnYOuPjFpQu_2WRPA-7IMh2KXc7XCE6wU4PKfJYiCqnemqPPekmg69QvabFIef8gkESFrZiMYNIxJOCcbILHHKBk0hH9iQcWBEWnqwZIs_P6vv_5t7sT3Qi-WGOedWnKgfQiSzfrCnqXs2keBoZw1xLrV-hzYc14HqzqFcFmXRuK88cp1qB7WMgU9c2HXye0LNJ0F8YiEMzz0oeGJ4QG_0arJHaF2MX_1Z6oQv1l6SGF-xjzzs70SDVpPsWgR363k2nPuaFJcdHuRSVevfuc86G0O8keHxDg-4ajFwoiUWbxsPKwKxlJhYcmy6B_pEqs9e8qVwKWaedifbwxWBnhOIMk1SZ9hoCEHtLIDS3chcCSwqAYIX7fO_YID6k5YF-76R6JlZbEG6_kFt2upJvYtDXBObQ9klvfZ9D4DqjnhZCwkKe-h7rw3O1Vcqp8CoMKhomvbIz7KscdmZTv6cFNGo1einUrmqAdjYKyNRFZjl8y89s-knpUkfoD0KhJKBaDSJ_BXzL6SNQXaANBCO1KF7a_7k-AIyXj-Mea3j4kRan6CO4qjDkAVgCepBJczDKHSfJfya12h76j66C_jBjZvGa3aIT0U6Lmf11Zg8vfuOzcM0Vmg-iy6HJU2-10Bu4ItVt0PWVeeOIcBHcC-qjAhc-PPLGx9VtWIW-LQPmiWcMF4jd7wjYi_avfBgdMNMJlbvveWxYAsdee64KsHBroi1a1x3UOL4qojeR508P0tC_n8xMwz4g9PL8Ngw7BrTfhK4Nzhy8YIwVBwS-KKjLlafZyx0S50iDA3eFuDs1Mxyy1q9Tk9fRiKE5S8M7agtduPgo1HRhCBo1H3AA6MZKD8U694e3d5egLBFgtSqT0YaCQ9F8XSDlXKau7IpLhsMiQyhVFzWFG-qvn_an9Qd3DllKNXX6bvZOPS0omCNkiNZVq0Y4-YjLjhvyfR9UWYfxN7DMoLzL39tQ1vhWgmB4267gVaaF-faDcV8Vi6vGyjoozPcHF6KSvYAkIxfjbKZoZlKuzzozx-yJAmxHuoyqnix3veJh4HUvKlOELhAG3yQo8gtYOsqpyn703gqL5v0jROQAGoyg1aDgTyd44rUgJzEyurWhhWuJtxYLZhxTEQc8PIJGA47R_u3OaFxBBeToRHJw2MJChgciONQsUoy8o6ri9TogytrfhZnAFMoNcR6eLCA1c_4SU05tLYa9InSZU96Smjaor6iVI4OLv2ukjpjxFezRhmBlwuFSONzUYOh11suCdQxMiw9r7EjbCvOfGJ5f2lK21R4AxwFoixReU1SI7Ii729M4RO37ZUgFFAqPChlGsejBZp2Y59bEA0yuhI1ESmyNGYv_40-BiAq545mFNbSuj0UO61ygb9EOAI120ZrkGAleaIUa37pb1bKuf0W0iFQ9LSfdbRMSFs4NEZPan8uIN_HntbhyFmGu358fauhAsjQyj_SqVomNky8agykE',1800000000,1800000000,0,'id');
CREATE TABLE replicas (
    id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
);
CREATE TABLE jti_seen (
    issuer TEXT NOT NULL,
    jti    TEXT NOT NULL,
    until  BIGINT NOT NULL,
    PRIMARY KEY (issuer, jti)
);
CREATE INDEX clients_updated ON clients (updated_at);
CREATE INDEX sign_ins_upstream ON sign_ins (upstream, upstream_sid);
CREATE INDEX sign_ins_person ON sign_ins (person);
CREATE INDEX logins_expiry ON logins (expires_at);
CREATE INDEX grants_revoked ON grants (revoked_at) WHERE revoked_at > 0;
CREATE INDEX grants_person ON grants (person);
CREATE INDEX grants_client ON grants (client);
CREATE INDEX grants_sign_in ON grants (sign_in);
CREATE INDEX sessions_expiry ON sessions (expires_at);
CREATE INDEX consents_client ON consents (client);
CREATE INDEX jti_seen_until ON jti_seen (until);
CREATE INDEX grants_upstream_sid ON grants (upstream, upstream_sid) WHERE upstream_sid <> '';
CREATE INDEX clients_unused ON clients (updated_at) WHERE grant_ended_at = 0;
COMMIT;
