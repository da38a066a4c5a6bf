package test

import (
	"encoding/json"
	"strings"
	"time"

	"restencil/watch"
	"restencil/watch/dependency"
)

// docsAnswers are, by query, the answers of the stores that no data file
// stands in for. The pages say in words what the stores hold.
var docsAnswers = map[string]any{
	"connect.caroots": []*watch.CARoot{{
		ID:          "r1",
		Name:        "Consul CA Root Cert",
		RootCertPEM: "-----BEGIN CERTIFICATE-----\nMIIC...root\n-----END CERTIFICATE-----\n",
		Active:      true,
	}},
	"connect.caleaf(web)": &watch.LeafCert{
		CertPEM:       "-----BEGIN CERTIFICATE-----\nMIIC...web\n-----END CERTIFICATE-----\n",
		PrivateKeyPEM: "-----BEGIN EC PRIVATE KEY-----\nMHcC...web\n-----END EC PRIVATE KEY-----\n",
		Service:       "web",
		ValidAfter:    docsTime,
		ValidBefore:   docsTime.Add(72 * time.Hour),
	},
	"list.peerings": []*watch.Peering{{
		Name:         "west",
		Meta:         map[string]string{"kind": "test"},
		PeeringState: "ACTIVE",
		StreamStatus: watch.PeeringStreamStatus{ExportedServices: []string{"web"}},
	}},
	"list.partitions": []*watch.Partition{
		{Name: "default", Description: "Builtin Default Partition"},
		{Name: "team"},
	},
	"list.exportedServices": []watch.ExportedService{{
		Service:   "web",
		Consumers: watch.ResolvedConsumers{Peers: []string{"west"}, Partitions: []string{}},
	}},
	"list.importedServices(team)": []watch.ImportedService{{
		Service:         "billing",
		SourcePartition: "default",
	}},

	"vault.read(secret/db)":             kvSecret(map[string]any{"user": "app", "password": "s3cret", "port": json.Number("5432")}),
	"vault.read(secret/db?version=1)":   kvSecret(map[string]any{"user": "app", "password": "0ld"}),
	"vault.read(secret/db?refresh=30s)": kvSecret(map[string]any{"user": "app"}),
	"vault.read(database/creds/app)": &watch.Secret{
		LeaseID: "database/creds/app/1", LeaseDuration: 3600, Renewable: true,
		Data: map[string]any{"username": "v-app-x7Kq", "password": "9F-rpZ"},
	},
	"vault.write(transit/encrypt/app -> 2f42ec7a)": &watch.Secret{Data: map[string]any{"ciphertext": "vault:v1:8SDd3WHDOjf7"}},
	"vault.list(secret)":                           []string{"db", "web/"},
	"vault.list(secret/web)":                       []string{"tls"},
	"vault.pki(pki/issue/web-> b7f85292)": watch.Certificate{
		Cert: "-----BEGIN CERTIFICATE-----\nMIIC...web\n-----END CERTIFICATE-----\n",
		Key:  "-----BEGIN RSA PRIVATE KEY-----\nMIIE...web\n-----END RSA PRIVATE KEY-----\n",
		CA:   "-----BEGIN CERTIFICATE-----\nMIIC...ca\n-----END CERTIFICATE-----\n",
	},

	"nomad.services": []*watch.NomadServicesSnippet{
		{Name: "db", Tags: watch.ServiceTags{}},
		{Name: "web", Tags: watch.ServiceTags{"blue", "green"}},
	},
	"nomad.service(web)":               nomadInstances("10.0.0.1 blue", "10.0.0.2 green", "10.0.0.3 blue"),
	"nomad.service(blue.web)":          nomadInstances("10.0.0.1 blue", "10.0.0.3 blue"),
	"nomad.service(web:2|app-1)":       nomadInstances("10.0.0.2 green", "10.0.0.3 blue"),
	"nomad.var.get(nomad/jobs/web)":    dependency.NewNomadVariable(webVariable, map[string]string{"user": "app", "password": "s3cret"}).Items,
	"nomad.var.get(nomad/jobs/nosuch)": nil,
	"nomad.var.list(nomad/jobs)":       []*watch.NomadVarMeta{&dbVariable, &webVariable},
	"nomad.var.list":                   []*watch.NomadVarMeta{&dbVariable, &webVariable},
	"nomad.var.list(none)":             nil,
}

// kvSecret returns a secret as a key-value store of version 2 has it.
func kvSecret(data map[string]any) *watch.Secret {
	return &watch.Secret{Data: map[string]any{"data": data, "metadata": map[string]any{"version": json.Number("2")}}}
}

// nomadInstances returns instances of the service web with an address and a
// tag each.
func nomadInstances(each ...string) []*watch.NomadServiceInstance {
	var list []*watch.NomadServiceInstance
	for _, text := range each {
		address, tag, _ := strings.Cut(text, " ")
		list = append(list, &watch.NomadServiceInstance{Name: "web", Address: address, Port: 8080, Tags: watch.ServiceTags{tag}})
	}
	return list
}

var (
	dbVariable  = watch.NomadVarMeta{Namespace: "default", Path: "nomad/jobs/db", CreateIndex: 11, ModifyIndex: 11}
	webVariable = watch.NomadVarMeta{Namespace: "default", Path: "nomad/jobs/web", CreateIndex: 10, ModifyIndex: 12}
)
